//! What an application does now and then: it makes calls in another tokio runtime, which ends, and
//! connects another handle, which it closes or drops.

use std::{
    collections::VecDeque,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow};
use fastrand::Rng;
use tokio::{
    runtime::{Builder, Runtime},
    task::spawn_blocking,
    time::sleep,
};
use user_streams_core::{Settings, Streams};

use super::{
    calls::Caller,
    model::SETTLING,
    worker::{Shared, USERS, Worker},
};
use crate::{store::Store, sync::lock};

/// The users of the first visit.
const FIRST_USER: i64 = 1_000_000;
/// The calls of a visit.
const STEPS: usize = 20;

/// Connects the library as the cell's process does.
pub(super) async fn connect(store: Option<&Store>) -> Result<Streams> {
    match store {
        Some(store) => store.streams().await,
        None => Ok(Streams::connect(Settings::new("memory://")).await?),
    }
}

/// Makes visits until it is stopped. Each has users of its own, whose streams are deleted when its
/// dropped calls can no longer take effect.
pub(super) async fn run(shared: Shared, streams: Streams, mut rng: Rng, stop: Arc<AtomicBool>) {
    let mut left: VecDeque<(Instant, Range<i64>)> = VecDeque::new();
    let mut caller = Caller { number: -1, rng: rng.fork(), tally: Arc::clone(&shared.tally) };
    for number in 0.. {
        let first = FIRST_USER + number * USERS;
        caller.running(&format!("visit {number}"));
        if let Err(error) = visit(&shared, &streams, number, &mut rng).await {
            caller.problem(format!("visit {number}: {error:#}"));
        }
        left.push_back((Instant::now(), first..first + USERS));
        sleep(Duration::from_millis(rng.u64(300..1_500))).await;
        let is_stopped = stop.load(Ordering::Relaxed);
        while let Some((since, users)) = left.pop_front() {
            if is_stopped {
                sleep(SETTLING.saturating_sub(since.elapsed())).await;
            } else if since.elapsed() < SETTLING {
                left.push_front((since, users));
                break;
            }
            for user in users {
                let delete = streams.delete_stream(user);
                caller.complete("delete", shared.limits.statement, delete).await;
            }
        }
        if is_stopped {
            break;
        }
    }
}

async fn visit(shared: &Shared, streams: &Streams, number: i64, rng: &mut Rng) -> Result<()> {
    let first = FIRST_USER + number * USERS;
    let worker =
        |streams: &Streams, rng: &mut Rng| Worker::new(shared, streams.clone(), first, rng.fork());
    match number % 4 {
        // A runtime of one thread, which ends after its calls.
        0 => {
            let mut worker = worker(streams, rng);
            let runtime = Builder::new_current_thread().enable_all().build()?;
            let visit = move || runtime.block_on(worker.steps(STEPS));
            spawn_blocking(|| thread::spawn(visit).join())
                .await?
                .map_err(|_| anyhow!("a panic"))?;
        }
        // A runtime of two threads, which ends during its calls.
        1 => {
            let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
            let mut worker = worker(streams, rng);
            runtime.spawn(async move { worker.steps(usize::MAX).await });
            sleep(Duration::from_millis(rng.u64(20..600))).await;
            Runtime::shutdown_background(runtime);
        }
        // Another handle, which is closed, or dropped without that.
        kind => {
            let other = connect(shared.store.as_ref()).await?;
            worker(&other, rng).steps(STEPS).await;
            if kind == 2 {
                other.close().await?;
            }
            lock(&shared.tally).handles += 1;
            return Ok(());
        }
    }
    lock(&shared.tally).runtimes += 1;
    Ok(())
}
