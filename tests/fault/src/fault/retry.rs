//! The same item is added at once by many.

use std::sync::Arc;

use anyhow::Result;
use tokio::task::JoinSet;

use super::{Fault, everywhere};
use crate::{
    child::Child,
    stage::{Options, Stage},
    tally::Tally,
    trial::Trial,
};

pub(super) const FAULT: Fault = Fault {
    name: "retry",
    about: "the same items are added at once by 8 tasks in each of 2 processes",
    runs_on: everywhere,
    short: 1,
    long: 6,
    alone: false,
    weight: 3,
    run: |trial| Box::pin(run(trial)),
};

async fn run(trial: Trial) -> Result<Tally> {
    let mut rng = trial.rng();
    let stage = Stage::open(&trial, Options::default()).await?;
    let watching = stage.watch();
    let items: Vec<_> = (0..trial.pick(40, 100))
        .map(|_| {
            let first = rng.i64(1..20);
            let last = if rng.bool() { first } else { first + rng.i64(1..20) };
            stage.ledger.item(first..=last)
        })
        .collect();
    stage.expect_success();
    let mut child = Child::start(&trial, &stage, items.clone(), 8, true, false).await?;
    let mut set = JoinSet::new();
    for _ in 0..8 {
        let (stage, items) = (Arc::clone(&stage), items.clone());
        set.spawn(async move {
            for item in items {
                _ = stage.add(&item).await;
            }
        });
    }
    child.note_all(&stage).await?;
    while let Some(done) = set.join_next().await {
        done?;
    }
    let tally = stage.finish().await?;
    watching.await?;
    Ok(tally)
}
