//! Two processes write to one file.

use anyhow::Result;

use super::{Fault, is_sqlite};
use crate::{
    child::Child,
    fixture::{Fixture, Options},
    outcome::Outcome,
    store::Limits,
    trial::Trial,
};

pub(super) const FAULT: Fault = Fault {
    name: "sqlite-processes",
    about: "two processes write to one file, each from 16 tasks",
    runs_on: is_sqlite,
    short: 1,
    long: 6,
    exclusive: false,
    weight: 3,
    run: |trial| Box::pin(run(trial)),
};

async fn run(trial: Trial) -> Result<Outcome> {
    let mut rng = trial.rng();
    let limits = Limits { statement: std::time::Duration::from_secs(10), ..Limits::default() };
    let fixture = Fixture::open(&trial, Options { limits, ..Options::default() }).await?;
    fixture.expect_success();
    let mut children = Vec::new();
    for _ in 0..2 {
        let items = (0..trial.pick(400, 1_000))
            .map(|_| {
                let first = rng.i64(1..20);
                fixture.history.item(first..=first + rng.i64(0..3))
            })
            .collect();
        children.push(Child::start(&trial, &fixture, items, 16, false, false).await?);
    }
    for child in &mut children {
        child.record_all(&fixture).await?;
    }
    fixture.finish().await
}
