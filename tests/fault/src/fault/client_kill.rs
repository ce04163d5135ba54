//! The client is killed in the midst of its adds, and another process adds the same items again.

use anyhow::Result;
use tokio::time::{Instant, timeout_at};

use super::{Fault, everywhere};
use crate::{
    child::Child,
    stage::{Options, Stage},
    tally::Tally,
    trial::Trial,
};

pub(super) const FAULT: Fault = Fault {
    name: "client-kill",
    about: "a process is killed (SIGKILL) in the midst of its adds, and another adds the same \
        items again",
    runs_on: everywhere,
    short: 2,
    long: 6,
    alone: false,
    weight: 3,
    run: |trial| Box::pin(run(trial)),
};

async fn run(trial: Trial) -> Result<Tally> {
    let mut rng = trial.rng();
    let stage = Stage::open(&trial, Options::default()).await?;
    let watching = stage.watch();
    let items: Vec<_> = (0..400)
        .map(|_| {
            let first = rng.i64(1..20);
            let last = if rng.bool() { first } else { first + rng.i64(1..300) };
            stage.ledger.item(first..=last)
        })
        .collect();
    let mut child = Child::start(&trial, &stage, items.clone(), 8, false, false).await?;
    let end = Instant::now() + Trial::between(&mut rng, 5, 150);
    while let Ok(Some(_)) = timeout_at(end, child.note(&stage)).await.unwrap_or(Ok(None)) {}
    child.kill().await?;
    // What it told before its end counts.
    while child.note(&stage).await.ok().flatten().is_some() {}
    // What the server has under way for it ends by itself.
    stage.check_sessions().await?;

    stage.expect_success();
    let mut child = Child::start(&trial, &stage, items, 8, false, false).await?;
    child.note_all(&stage).await?;
    let tally = stage.finish().await?;
    watching.await?;
    Ok(tally)
}
