//! The same items are added concurrently by many tasks.

use std::sync::Arc;

use anyhow::Result;
use tokio::task::JoinSet;

use super::{Fault, everywhere};
use crate::{
    child::Child,
    fixture::{Fixture, Options},
    outcome::Outcome,
    trial::Trial,
};

pub(super) const FAULT: Fault = Fault {
    name: "retry",
    about: "the same items are added concurrently by 8 tasks in each of 2 processes",
    runs_on: everywhere,
    short: 1,
    long: 6,
    exclusive: false,
    weight: 3,
    run: |trial| Box::pin(run(trial)),
};

async fn run(trial: Trial) -> Result<Outcome> {
    let mut rng = trial.rng();
    let fixture = Fixture::open(&trial, Options::default()).await?;
    fixture.watch_sessions();
    let items: Vec<_> = (0..trial.pick(40, 100))
        .map(|_| {
            let first = rng.i64(1..20);
            let last = if rng.bool() { first } else { first + rng.i64(1..20) };
            fixture.history.item(first..=last)
        })
        .collect();
    fixture.expect_success();
    let mut child = Child::start(&trial, &fixture, items.clone(), 8, true, false).await?;
    let mut set = JoinSet::new();
    for _ in 0..8 {
        let (fixture, items) = (Arc::clone(&fixture), items.clone());
        set.spawn(async move {
            for item in items {
                _ = fixture.add(&item).await;
            }
        });
    }
    child.record_all(&fixture).await?;
    while let Some(done) = set.join_next().await {
        done?;
    }
    fixture.finish().await
}
