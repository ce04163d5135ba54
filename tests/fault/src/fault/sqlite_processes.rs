//! Two processes write to one file.

use anyhow::Result;

use super::{Fault, is_sqlite};
use crate::{
    child::Child,
    stage::{Limits, Options, Stage},
    tally::Tally,
    trial::Trial,
};

pub(super) const FAULT: Fault = Fault {
    name: "sqlite-processes",
    about: "two processes write to one file, with 16 tasks each",
    runs_on: is_sqlite,
    short: 1,
    long: 6,
    alone: false,
    weight: 3,
    run: |trial| Box::pin(run(trial)),
};

async fn run(trial: Trial) -> Result<Tally> {
    let mut rng = trial.rng();
    let limits = Limits { statement: std::time::Duration::from_secs(10), ..Limits::default() };
    let stage = Stage::open(&trial, Options { limits, ..Options::default() }).await?;
    stage.expect_success();
    let mut children = Vec::new();
    for _ in 0..2 {
        let items = (0..trial.pick(400, 1_000))
            .map(|_| {
                let first = rng.i64(1..20);
                stage.ledger.item(first..=first + rng.i64(0..3))
            })
            .collect();
        children.push(Child::start(&trial, &stage, items, 16, false, false).await?);
    }
    for child in &mut children {
        child.note_all(&stage).await?;
    }
    stage.finish().await
}
