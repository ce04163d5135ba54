//! Writing fails with an error of I/O for a while: a process of its own has a limit of file sizes.

use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use tokio::time::{Instant, timeout_at};

use super::{Fault, is_sqlite};
use crate::{
    child::{Child, Told},
    ledger::lock,
    stage::{Options, RECOVERY, Stage},
    tally::Tally,
    trial::Trial,
};

/// No page of the log or of the file ends before this.
const LIMIT: u64 = 1_000;

pub(super) const FAULT: Fault = Fault {
    name: "sqlite-io",
    about: "writing to the file and its log fails with an error of I/O for a while",
    runs_on: is_sqlite,
    short: 1,
    long: 6,
    alone: false,
    weight: 2,
    run: |trial| Box::pin(run(trial)),
};

async fn run(trial: Trial) -> Result<Tally> {
    let mut rng = trial.rng();
    let stage = Stage::open(&trial, Options::default()).await?;
    let items: Vec<_> = (0..200_000)
        .map(|_| {
            let first = rng.i64(1..20);
            stage.ledger.item(first..=first + rng.i64(0..2))
        })
        .collect();
    let mut child = Child::start(&trial, &stage, items, 8, false, true).await?;
    let pid = child
        .id()
        .and_then(|pid| Pid::from_raw(pid.cast_signed()))
        .context("the child has ended")?;
    listen(&stage, &mut child, Trial::between(&mut rng, 200, 500), false).await?;
    let free = prlimit(Some(pid), Resource::Fsize, Rlimit { current: Some(LIMIT), maximum: None })?;
    let failed = listen(&stage, &mut child, Trial::between(&mut rng, 300, 600), false).await?;
    prlimit(Some(pid), Resource::Fsize, free)?;
    if failed == 0 {
        stage.problem("no add failed meanwhile: the trial shows nothing");
    }
    listen(&stage, &mut child, RECOVERY, false).await?;
    listen(&stage, &mut child, Duration::from_millis(500), true).await?;
    child.kill().await?;
    while child.note(&stage).await.ok().flatten().is_some() {}
    stage.finish().await
}

/// Notes what the child tells for some time, and how many adds failed; whether none may.
async fn listen(stage: &Stage, child: &mut Child, time: Duration, is_well: bool) -> Result<u64> {
    let end = Instant::now() + time;
    let (mut added, mut failed) = (0_u64, 0_u64);
    while let Ok(told) = timeout_at(end, child.note(stage)).await {
        match told? {
            Some(Told::Added(..)) => added += 1,
            Some(Told::Failed(number, error)) => {
                failed += 1;
                if is_well {
                    lock(&stage.tally).late += 1;
                    stage.problem(format!("the add of item #{number} failed afterwards: {error}"));
                }
            }
            _ => break,
        }
    }
    if is_well && added == 0 {
        stage.problem("no add succeeded afterwards");
    }
    Ok(failed)
}
