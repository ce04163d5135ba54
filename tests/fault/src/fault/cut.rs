//! Connections are cut, by a reset or a close.

use anyhow::Result;
use tokio::time::sleep;

use super::{Fault, has_proxy};
use crate::{
    load::Load,
    proxy::Fate,
    stage::{Options, Stage},
    tally::Tally,
    trial::Trial,
};

pub(super) const FAULT: Fault = Fault {
    name: "cut",
    about: "connections are cut at any moment",
    runs_on: has_proxy,
    short: 2,
    long: 20,
    alone: false,
    weight: 1,
    run: |trial| Box::pin(run(trial)),
};

async fn run(trial: Trial) -> Result<Tally> {
    let mut rng = trial.rng();
    let over_a_pool = trial.cell.engine.is_sql() && trial.variant(2) == 1;
    let stage = Stage::open(&trial, Options { over_a_pool, ..Options::default() }).await?;
    let watching = stage.watch();
    let load = Load::start(&stage, &mut rng, 16);
    for _ in 0..rng.u32(5..25) {
        sleep(Trial::between(&mut rng, 10, 120)).await;
        let reset = rng.bool();
        stage.proxy()?.set_some(Fate::Cut { reset }, || rng.bool());
    }
    stage.recovered();
    stage.wait_for_recovery().await;
    load.stop().await;
    let tally = stage.finish().await?;
    watching.await?;
    Ok(tally)
}
