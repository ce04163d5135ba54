//! Writes fail with I/O errors for a while: the client process gets a limit of file sizes.

use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use tokio::time::{Instant, timeout_at};

use super::{Fault, is_sqlite};
use crate::{
    child::{Child, Message},
    fixture::{Fixture, Options, RECOVERY},
    outcome::Outcome,
    sync::lock,
    trial::Trial,
};

/// Less than the end of the first page of the file and of the log.
const LIMIT: u64 = 1_000;

pub(super) const FAULT: Fault = Fault {
    name: "sqlite-io",
    about: "writes to the file and its log fail with I/O errors for a while",
    runs_on: is_sqlite,
    short: 1,
    long: 6,
    exclusive: false,
    weight: 2,
    run: |trial| Box::pin(run(trial)),
};

async fn run(trial: Trial) -> Result<Outcome> {
    let mut rng = trial.rng();
    let fixture = Fixture::open(&trial, Options::default()).await?;
    let items: Vec<_> = (0..200_000)
        .map(|_| {
            let first = rng.i64(1..20);
            fixture.history.item(first..=first + rng.i64(0..2))
        })
        .collect();
    let mut child = Child::start(&trial, &fixture, items, 8, false, true).await?;
    let pid = child
        .id()
        .and_then(|pid| Pid::from_raw(pid.cast_signed()))
        .context("the child has ended")?;
    listen(&fixture, &mut child, Trial::between(&mut rng, 200, 500), false).await?;
    let free = prlimit(Some(pid), Resource::Fsize, Rlimit { current: Some(LIMIT), maximum: None })?;
    let failed = listen(&fixture, &mut child, Trial::between(&mut rng, 300, 600), false).await?;
    prlimit(Some(pid), Resource::Fsize, free)?;
    if failed == 0 {
        fixture.problem("no add failed during the fault: the trial proves nothing");
    }
    listen(&fixture, &mut child, RECOVERY, false).await?;
    listen(&fixture, &mut child, Duration::from_millis(500), true).await?;
    child.kill().await?;
    while child.record(&fixture).await.ok().flatten().is_some() {}
    fixture.finish().await
}

/// Records the messages of the child for some time; returns how many adds failed.
async fn listen(
    fixture: &Fixture,
    child: &mut Child,
    time: Duration,
    expects_success: bool,
) -> Result<u64> {
    let end = Instant::now() + time;
    let (mut added, mut failed) = (0_u64, 0_u64);
    while let Ok(told) = timeout_at(end, child.record(fixture)).await {
        match told? {
            Some(Message::Added(..)) => added += 1,
            Some(Message::Failed(number, error)) => {
                failed += 1;
                if expects_success {
                    lock(&fixture.outcome).late_failures += 1;
                    fixture
                        .problem(format!("the add of item #{number} failed afterwards: {error}"));
                }
            }
            _ => break,
        }
    }
    if expects_success && added == 0 {
        fixture.problem("no add succeeded afterwards");
    }
    Ok(failed)
}
