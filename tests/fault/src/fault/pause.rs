//! The server is paused, with its connections open, and resumed.

use std::time::Duration;

use anyhow::Result;
use tokio::time::sleep;
use user_streams_test_servers::{Server, harness::Engine};

use super::{Fault, has_server};
use crate::{
    fixture::{Fixture, Options},
    load::Load,
    outcome::Outcome,
    store::Limits,
    trial::Trial,
};

pub(super) const FAULT: Fault = Fault {
    name: "pause",
    about: "the server, or a node of the cluster, is stopped (SIGSTOP) for 1 to 15 s, longer or \
        shorter than `operation_timeout`",
    runs_on: has_server,
    short: 2,
    long: 6,
    exclusive: true,
    weight: 1,
    run: |trial| Box::pin(run(trial)),
};

async fn run(trial: Trial) -> Result<Outcome> {
    let mut rng = trial.rng();
    let (statement, connect) = match trial.variant(2) {
        0 => (700, 500),
        _ => (5_000, 4_000),
    };
    let (statement, connect) = (Duration::from_millis(statement), Duration::from_millis(connect));
    let limits = Limits { statement, connect, ..Limits::default() };
    let fixture = Fixture::open(&trial, Options { limits, ..Options::default() }).await?;
    fixture.watch_sessions();
    let load = Load::start(&fixture, &mut rng, 16);
    sleep(Trial::between(&mut rng, 200, 600)).await;
    let is_cluster = trial.cell.engine == Engine::RedisCluster;
    let node = rng.usize(..6);
    trial
        .on_server(move |server| if is_cluster { server.pause_node(node) } else { server.pause() })
        .await?;
    // A node that is away for longer is replaced by its replica, which may lack acknowledged
    // writes: Redis replicates asynchronously.
    let longest = if is_cluster { 2_500 } else { trial.pick(2_500, 15_000) };
    sleep(Trial::between(&mut rng, 1_000, longest)).await;
    trial.on_server(Server::resume).await?;
    fixture.recovered();
    fixture.wait_for_recovery().await;
    load.stop().await;
    fixture.finish().await
}
