//! The server is killed or shut down, and restarted, while tasks add and read.

use anyhow::Result;
use tokio::time::sleep;
use user_streams_test_servers::{Server, harness::Engine};

use super::{Fault, has_server};
use crate::{
    fixture::{Fixture, Options},
    load::Load,
    outcome::Outcome,
    trial::Trial,
};

pub(super) const KILL: Fault = Fault {
    name: "kill",
    about: "the server, or a node of the cluster, is killed (SIGKILL) and restarted",
    runs_on: has_server,
    short: 2,
    long: 6,
    exclusive: true,
    weight: 1,
    run: |trial| Box::pin(run(trial, true)),
};

pub(super) const RESTART: Fault = Fault {
    name: "restart",
    about: "the server, or a node of the cluster, is shut down and restarted",
    runs_on: |cell| has_server(cell) && cell.engine != Engine::RedisCluster,
    short: 1,
    long: 6,
    exclusive: true,
    weight: 1,
    run: |trial| Box::pin(run(trial, false)),
};

async fn run(trial: Trial, by_kill: bool) -> Result<Outcome> {
    let mut rng = trial.rng();
    let fixture = Fixture::open(&trial, Options::default()).await?;
    fixture.watch_sessions();
    let load = Load::start(&fixture, &mut rng, 16);
    sleep(Trial::between(&mut rng, 300, 900)).await;
    let is_cluster = trial.cell.engine == Engine::RedisCluster;
    let node = rng.usize(..6);
    trial
        .on_server(move |server| match (by_kill, is_cluster) {
            (true, true) => server.kill_node(node),
            (true, false) => server.kill(),
            (false, _) => server.terminate(),
        })
        .await?;
    sleep(Trial::between(&mut rng, 0, trial.pick(500, 3_000))).await;
    trial.on_server(Server::restart).await?;
    fixture.recovered();
    fixture.wait_for_recovery().await;
    load.stop().await;
    fixture.finish().await
}
