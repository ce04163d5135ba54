//! The server stops answering, keeps its connections, and goes on.

use std::time::Duration;

use anyhow::Result;
use tokio::time::sleep;
use user_streams_test_servers::Server;

use super::{Fault, has_server};
use crate::{
    cell::Engine,
    load::Load,
    stage::{Limits, Options, Stage},
    tally::Tally,
    trial::Trial,
};

pub(super) const FAULT: Fault = Fault {
    name: "pause",
    about: "the server, or a node of the cluster, is stopped (SIGSTOP) for 1 to 15 s, longer or \
        shorter than `operation_timeout`",
    runs_on: has_server,
    short: 2,
    long: 6,
    alone: true,
    weight: 1,
    run: |trial| Box::pin(run(trial)),
};

async fn run(trial: Trial) -> Result<Tally> {
    let mut rng = trial.rng();
    let (statement, connect) = match trial.variant(2) {
        0 => (700, 500),
        _ => (5_000, 4_000),
    };
    let (statement, connect) = (Duration::from_millis(statement), Duration::from_millis(connect));
    let limits = Limits { statement, connect, ..Limits::default() };
    let stage = Stage::open(&trial, Options { limits, ..Options::default() }).await?;
    let watching = stage.watch();
    let load = Load::start(&stage, &mut rng, 16);
    sleep(Trial::between(&mut rng, 200, 600)).await;
    let is_cluster = trial.cell.engine == Engine::RedisCluster;
    let node = rng.usize(..6);
    trial
        .on_server(move |server| if is_cluster { server.pause_node(node) } else { server.pause() })
        .await?;
    // A node that is away for longer is replaced by its replica, which may not have all: Redis
    // promises no more.
    let longest = if is_cluster { 2_500 } else { trial.pick(2_500, 15_000) };
    sleep(Trial::between(&mut rng, 1_000, longest)).await;
    trial.on_server(Server::resume).await?;
    stage.recovered();
    stage.wait_for_recovery().await;
    load.stop().await;
    let tally = stage.finish().await?;
    watching.await?;
    Ok(tally)
}
