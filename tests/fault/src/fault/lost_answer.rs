//! The server does what it was told, its answer is lost, and the connection ends.

use anyhow::Result;
use tokio::time::sleep;

use super::{Fault, has_proxy};
use crate::{
    load::Load,
    stage::{Options, Stage},
    tally::Tally,
    trial::Trial,
};

pub(super) const FAULT: Fault = Fault {
    name: "lost-answer",
    about: "the answers are lost after a COMMIT or another statement was sent, and the connection \
        is cut",
    runs_on: has_proxy,
    short: 2,
    long: 10,
    alone: false,
    weight: 1,
    run: |trial| Box::pin(run(trial)),
};

async fn run(trial: Trial) -> Result<Tally> {
    let mut rng = trial.rng();
    let stage = Stage::open(&trial, Options::default()).await?;
    let watching = stage.watch();
    let load = Load::start(&stage, &mut rng, 16);
    sleep(Trial::between(&mut rng, 100, 300)).await;
    let commits = trial.variant(2) == 0 && trial.cell.engine.is_sql();
    if commits {
        stage.proxy()?.lose_answers(b"COMMIT", 3);
    } else {
        stage.proxy()?.lose_answers(b"", 15);
    }
    sleep(Trial::between(&mut rng, 1_000, 2_000)).await;
    stage.proxy()?.heal();
    stage.recovered();
    stage.wait_for_recovery().await;
    load.stop().await;
    let tally = stage.finish().await?;
    watching.await?;
    Ok(tally)
}
