//! A client is killed during its adds, and another process repeats them.

use anyhow::Result;
use tokio::time::{Instant, timeout_at};

use super::{Fault, everywhere};
use crate::{
    child::Child,
    fixture::{Fixture, Options},
    outcome::Outcome,
    trial::Trial,
};

pub(super) const FAULT: Fault = Fault {
    name: "client-kill",
    about: "a process is killed (SIGKILL) during its adds, and another process repeats them",
    runs_on: everywhere,
    short: 2,
    long: 6,
    exclusive: false,
    weight: 3,
    run: |trial| Box::pin(run(trial)),
};

async fn run(trial: Trial) -> Result<Outcome> {
    let mut rng = trial.rng();
    let fixture = Fixture::open(&trial, Options::default()).await?;
    fixture.watch_sessions();
    let items: Vec<_> = (0..400)
        .map(|_| {
            let first = rng.i64(1..20);
            let last = if rng.bool() { first } else { first + rng.i64(1..300) };
            fixture.history.item(first..=last)
        })
        .collect();
    let mut child = Child::start(&trial, &fixture, items.clone(), 8, false, false).await?;
    let end = Instant::now() + Trial::between(&mut rng, 5, 150);
    while let Ok(Some(_)) = timeout_at(end, child.record(&fixture)).await.unwrap_or(Ok(None)) {}
    child.kill().await?;
    // The answers that it printed before its end count.
    while child.record(&fixture).await.ok().flatten().is_some() {}
    // The server ends the statements of a lost client by itself.
    fixture.check_sessions().await?;
    // Before the other process adds what is missing.
    fixture.check_stored().await?;

    fixture.expect_success();
    let mut child = Child::start(&trial, &fixture, items, 8, false, false).await?;
    child.record_all(&fixture).await?;
    fixture.finish().await
}
