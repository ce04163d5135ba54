//! While the pool is idle, the server closes its sessions or is restarted, or the connections
//! stall.

use std::time::Duration;

use anyhow::Result;
use tokio::time::sleep;
use user_streams_test_servers::{Server, harness::Engine};

use super::{Fault, is_sql_server};
use crate::{
    fixture::{Fixture, Options},
    load::Load,
    outcome::Outcome,
    proxy::Mode,
    store::Limits,
    trial::Trial,
};

/// How long the pool is idle.
const IDLE: Duration = Duration::from_secs(6);

pub(super) const FAULT: Fault = Fault {
    name: "idle",
    about: "while the pool is idle for 6 s, the server closes its sessions after 1 to 3 s, or \
        is restarted, or the connections stall; no call fails afterwards",
    runs_on: is_sql_server,
    short: 3,
    long: 6,
    // MariaDB's limit is global.
    exclusive: true,
    weight: 1,
    run: |trial| Box::pin(run(trial)),
};

async fn run(trial: Trial) -> Result<Outcome> {
    let mut rng = trial.rng();
    // A call has time to check one stalled connection, not all of them.
    let limits = Limits {
        statement: Duration::from_secs(3),
        connect: Duration::from_millis(2_500),
        ..Limits::default()
    };
    let variant = trial.variant(3);
    let idle_seconds = (variant == 0).then(|| rng.u32(1..=3));
    let fixture =
        Fixture::open(&trial, Options { limits, idle_seconds, ..Options::default() }).await?;
    let load = Load::start(&fixture, &mut rng, 24);
    sleep(Duration::from_millis(700)).await;
    load.stop().await;
    if idle_seconds.is_some() && trial.cell.engine == Engine::Mysql {
        fixture.inspector.execute("SET GLOBAL wait_timeout = 28800").await?;
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
            fixture.proxy()?.set(Mode::Stall { forwards_close: true });
        }
    }
    fixture.expect_success();
    fixture.watch_sessions();
    // Sequentially, so that each could get a dead connection.
    for user in 0..3 {
        _ = fixture.read(user).await;
    }
    let load = Load::start(&fixture, &mut rng, 16);
    sleep(Duration::from_millis(700)).await;
    load.stop().await;
    fixture.finish().await
}
