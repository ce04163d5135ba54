//! The server executes a statement, its answer is dropped, and the connection is closed.

use anyhow::Result;
use tokio::time::sleep;

use super::{Fault, has_proxy};
use crate::{
    fixture::{Fixture, Options},
    load::Load,
    outcome::Outcome,
    trial::Trial,
};

pub(super) const FAULT: Fault = Fault {
    name: "lost-answer",
    about: "the answer to a COMMIT or another statement is dropped, and the connection is \
        closed",
    runs_on: has_proxy,
    short: 2,
    long: 10,
    exclusive: false,
    weight: 1,
    run: |trial| Box::pin(run(trial)),
};

async fn run(trial: Trial) -> Result<Outcome> {
    let mut rng = trial.rng();
    let fixture = Fixture::open(&trial, Options::default()).await?;
    fixture.watch_sessions();
    let load = Load::start(&fixture, &mut rng, 16);
    sleep(Trial::between(&mut rng, 100, 300)).await;
    let commits = trial.variant(2) == 0 && trial.cell.engine.is_sql();
    if commits {
        fixture.proxy()?.drop_answers(b"COMMIT", 3);
    } else {
        fixture.proxy()?.drop_answers(b"", 15);
    }
    sleep(Trial::between(&mut rng, 1_000, 2_000)).await;
    fixture.proxy()?.heal();
    fixture.recovered();
    fixture.wait_for_recovery().await;
    load.stop().await;
    fixture.finish().await
}
