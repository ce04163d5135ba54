//! The server ends, outright or in good order, and is started again while tasks add and read.

use anyhow::Result;
use tokio::time::sleep;

use super::{Fault, has_server};
use crate::{
    cell::Engine,
    load::Load,
    stage::{Options, Stage},
    tally::Tally,
    trial::Trial,
};

pub(super) const KILL: Fault = Fault {
    name: "kill",
    about: "the server, or a node of the cluster, is killed (SIGKILL) and started again",
    runs_on: has_server,
    short: 2,
    long: 6,
    alone: true,
    weight: 1,
    run: |trial| Box::pin(run(trial, true)),
};

pub(super) const RESTART: Fault = Fault {
    name: "restart",
    about: "the server, or a node of the cluster, is shut down in good order and started again",
    runs_on: |cell| has_server(cell) && cell.engine != Engine::RedisCluster,
    short: 1,
    long: 6,
    alone: true,
    weight: 1,
    run: |trial| Box::pin(run(trial, false)),
};

async fn run(trial: Trial, outright: bool) -> Result<Tally> {
    let mut rng = trial.rng();
    let stage = Stage::open(&trial, Options::default()).await?;
    let watching = stage.watch();
    let load = Load::start(&stage, &mut rng, 16);
    sleep(Trial::between(&mut rng, 300, 900)).await;
    let is_cluster = trial.cell.engine == Engine::RedisCluster;
    let node = rng.usize(..6);
    trial
        .on_server(move |server| match (outright, is_cluster) {
            (true, true) => server.kill_node(node),
            (true, false) => server.kill(),
            (false, _) => server.terminate(),
        })
        .await?;
    sleep(Trial::between(&mut rng, 0, trial.pick(500, 3_000))).await;
    trial.on_server(user_streams_test_servers::Server::restart).await?;
    stage.recovered();
    stage.wait_for_recovery().await;
    load.stop().await;
    let tally = stage.finish().await?;
    watching.await?;
    Ok(tally)
}
