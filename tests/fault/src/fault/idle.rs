//! The pool idles; meanwhile the server ends the sessions, is started again, or cannot be reached
//! by them any more.

use std::time::Duration;

use anyhow::Result;
use tokio::time::sleep;
use user_streams_test_servers::Server;

use super::{Fault, is_sql_server};
use crate::{
    cell::Engine,
    load::Load,
    proxy::Fate,
    stage::{Limits, Options, Stage},
    tally::Tally,
    trial::Trial,
};

/// How long nobody calls.
const IDLE: Duration = Duration::from_secs(6);

pub(super) const FAULT: Fault = Fault {
    name: "idle",
    about: "while the pool idles for 6 s its sessions are ended by the server's own limit of 1 to \
        3 s, the server is started again, \
            or the connections stall: no call fails afterwards",
    runs_on: is_sql_server,
    short: 3,
    long: 6,
    // MariaDB's limit is for all.
    alone: true,
    weight: 1,
    run: |trial| Box::pin(run(trial)),
};

async fn run(trial: Trial) -> Result<Tally> {
    let mut rng = trial.rng();
    // The check of one stalled connection fits into a call; that of each does not.
    let limits = Limits {
        statement: Duration::from_secs(3),
        connect: Duration::from_millis(2_500),
        ..Limits::default()
    };
    let variant = trial.variant(3);
    let idle_seconds = (variant == 0).then(|| rng.u32(1..=3));
    let stage = Stage::open(&trial, Options { limits, idle_seconds, ..Options::default() }).await?;
    let load = Load::start(&stage, &mut rng, 24);
    sleep(Duration::from_millis(700)).await;
    load.stop().await;
    if idle_seconds.is_some() && trial.cell.engine == Engine::Mysql {
        stage.judge.execute("SET GLOBAL wait_timeout = 28800").await?;
    }
    match variant {
        0 => sleep(IDLE).await,
        1 => {
            let half = IDLE / 2;
            sleep(half).await;
            trial.on_server(Server::kill).await?;
            trial.on_server(Server::restart).await?;
            sleep(half).await;
        }
        _ => {
            sleep(IDLE).await;
            stage.proxy()?.set(Fate::Stalled { closes: true });
        }
    }
    stage.expect_success();
    let watching = stage.watch();
    // One after the other, so that each would meet a dead connection.
    for user in 0..3 {
        _ = stage.read(user).await;
    }
    let load = Load::start(&stage, &mut rng, 16);
    sleep(Duration::from_millis(700)).await;
    load.stop().await;
    let tally = stage.finish().await?;
    watching.await?;
    Ok(tally)
}
