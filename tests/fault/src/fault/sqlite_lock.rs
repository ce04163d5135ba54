//! Another connection to the file holds SQLite's write lock.

use std::time::Duration;

use anyhow::Result;
use tokio::time::sleep;

use super::{Fault, is_sqlite};
use crate::{
    fixture::{Fixture, Options},
    load::Load,
    outcome::Outcome,
    store::Limits,
    trial::Trial,
};

pub(super) const FAULT: Fault = Fault {
    name: "sqlite-lock",
    about: "another connection to the file holds the write lock for longer or shorter than \
        `operation_timeout`",
    runs_on: is_sqlite,
    short: 2,
    long: 130,
    exclusive: false,
    weight: 1,
    run: |trial| Box::pin(run(trial)),
};

async fn run(trial: Trial) -> Result<Outcome> {
    let mut rng = trial.rng();
    let is_longer = trial.variant(2) == 0;
    let statement = Duration::from_millis(if is_longer { 1_000 } else { 4_000 });
    let limits = Limits { statement, ..Limits::default() };
    let fixture = Fixture::open(&trial, Options { limits, ..Options::default() }).await?;
    let load = Load::start(&fixture, &mut rng, 16);
    sleep(Trial::between(&mut rng, 100, 400)).await;
    let mut session = fixture.inspector.session().await?;
    session.execute("BEGIN IMMEDIATE").await?;
    if is_longer {
        sleep(Trial::between(&mut rng, 2_000, trial.pick(3_500, 15_000))).await;
        session.end().await?;
        fixture.recovered();
        fixture.wait_for_recovery().await;
    } else {
        fixture.expect_success();
        sleep(Trial::between(&mut rng, 300, 1_500)).await;
        session.end().await?;
        sleep(Duration::from_millis(500)).await;
    }
    load.stop().await;
    fixture.finish().await
}
