//! Everyone's streams are copied to another store by calls and processes that end before.

use std::{
    sync::{Arc, Mutex, atomic::Ordering},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use fastrand::Rng;
use tokio::{
    sync::Notify,
    time::{Instant, sleep, timeout, timeout_at},
};
use user_streams_core::{
    Streams,
    maintenance::{CopyTo, UsersCursor},
};
use user_streams_test_servers::harness::Engine;

use super::{Fault, everywhere};
use crate::{
    child::{Child, Message},
    cuts::Cuts,
    fixture::{Fixture, Options},
    inspector::inspector,
    outcome::Outcome,
    slots::Moves,
    store::Store,
    sync::lock,
    trial::Trial,
};

pub(super) const COPY: Fault = Fault {
    name: "copy",
    about: "everyone's items and marks are copied to a second table or prefix, by a call that is \
        dropped and over connections that are closed, or by a process that is killed (SIGKILL); \
        the copy goes on where it was, until it ends",
    runs_on: everywhere,
    short: 2,
    long: 10,
    exclusive: false,
    weight: 4,
    run: |trial| Box::pin(run(trial)),
};

pub(super) const SLOTS: Fault = Fault {
    name: "copy-slots",
    about: "the same while slots of the cluster move from one master to another",
    runs_on: |cell| cell.engine == Engine::RedisCluster,
    short: 2,
    long: 10,
    exclusive: true,
    weight: 4,
    run: |trial| Box::pin(run_with_moves(trial)),
};

/// More than a copy lists at a time.
const USERS: i64 = 330;
/// The items of one user, more than a copy reads at a time.
const LONG_STREAM: usize = 600;
/// How often a copy is ended.
const ENDS: usize = 6;

async fn run(trial: Trial) -> Result<Outcome> {
    let copying = Copying::open(&trial).await?;
    copying.copy_in_parts(&trial).await?;
    copying.check().await
}

async fn run_with_moves(trial: Trial) -> Result<Outcome> {
    let copying = Copying::open(&trial).await?;
    let keys = |store: &Store| {
        let table = store.table.clone();
        (1..=USERS).map(move |user| format!("{table}:stream:{user}"))
    };
    let keys: Vec<_> = keys(&copying.fixture.store).chain(keys(&copying.store)).collect();
    let moves = Moves::start(&copying.fixture.store, &keys, &mut trial.rng()).await?;
    copying.copy_in_parts(&trial).await?;
    copying.verify().await;
    if moves.stop().await? == 0 {
        bail!("no slot has moved");
    }
    copying.check().await
}

/// The two stores.
struct Copying {
    fixture: Arc<Fixture>,
    store: Store,
    to: Streams,
}

impl Copying {
    /// Opens and fills them.
    async fn open(trial: &Trial) -> Result<Self> {
        let mut rng = trial.rng();
        let fixture = Fixture::open(trial, Options::default()).await?;
        fixture.other_pools.fetch_add(1, Ordering::Relaxed);
        fixture.watch_sessions();
        let store = fixture.store.beside();
        let to = store.streams().await?;
        if trial.cell.engine.is_sql() {
            to.migrate().await.context("cannot migrate the second store")?;
        }
        fill(&fixture, &mut rng).await?;
        Ok(Self { fixture, store, to })
    }

    /// Copies, ended several times in one way or the other, and then to the end.
    async fn copy_in_parts(&self, trial: &Trial) -> Result<()> {
        let (fixture, mut rng) = (&self.fixture, trial.rng());
        let place = if trial.variant(2) == 1 {
            fixture.expect_success();
            self.copy_in_processes(trial, &mut rng).await?
        } else {
            let cuts = Cuts::start(fixture, &mut rng);
            let place = self.copy_in_calls(&mut rng).await;
            cuts.stop().await;
            place
        };
        self.copy_to_end(place).await;
        Ok(())
    }

    /// One of its thousand calls may fail on a busy machine: it goes on once more.
    async fn copy_to_end(&self, place: Option<UsersCursor>) {
        let (place, mut failure) = (Arc::new(Mutex::new(place)), String::new());
        for _ in 0..3 {
            let copy = self.copy_reporting(&place, || {});
            match timeout(self.fixture.store.limits.broadcast, copy.into_future()).await {
                Ok(Ok(_)) => return,
                Ok(Err(error)) => failure = format!("{:?}: {error}", error.kind()),
                Err(_) => "it never ended".clone_into(&mut failure),
            }
        }
        lock(&self.fixture.outcome).late_failures += 1;
        self.fixture.problem(format!("a copy does not get to its end: {failure}"));
    }

    /// The place where it goes on.
    async fn copy_in_calls(&self, rng: &mut Rng) -> Option<UsersCursor> {
        let place = Arc::new(Mutex::new(None));
        for number in 1..=ENDS {
            let has_reported = Arc::new(Notify::new());
            let waiting = Arc::clone(&has_reported);
            let copy = self.copy_reporting(&place, move || has_reported.notify_one());
            let pause = Duration::from_micros(rng.u64(..30_000));
            let after_report = async {
                waiting.notified().await;
                sleep(pause).await;
            };
            // At any moment, or soon after a report.
            let longest = Duration::from_millis(60 << number);
            let ended = if rng.bool() {
                self.fixture.attempt("a copy", rng, longest, copy.into_future()).await.is_some()
            } else {
                tokio::select! {
                    copied = copy.into_future() => copied.is_ok(),
                    () = after_report => false,
                }
            };
            self.fixture.abandoned_call();
            if ended {
                break;
            }
        }
        lock(&place).clone()
    }

    /// The same, in processes that are killed.
    async fn copy_in_processes(&self, trial: &Trial, rng: &mut Rng) -> Result<Option<UsersCursor>> {
        let (fixture, mut place) = (&self.fixture, None);
        for number in 1..=2 {
            let mut child = Child::start_copy(trial, fixture, &self.store, place.as_ref()).await?;
            let waits_for_report = rng.bool();
            let mut end = Instant::now() + Trial::between(rng, 5, 150 * number);
            if waits_for_report {
                end += Duration::from_secs(5);
            }
            while let Ok(Some(message)) = timeout_at(end, child.next()).await.unwrap_or(Ok(None)) {
                read(fixture, message, &mut place);
                if waits_for_report {
                    end = end.min(Instant::now() + Trial::between(rng, 0, 30));
                }
            }
            child.kill().await?;
            // What it printed before its end counts.
            while let Some(message) = child.next().await.ok().flatten() {
                read(fixture, message, &mut place);
            }
            fixture.abandoned_call();
        }
        Ok(place)
    }

    /// From a place on, which becomes the one that is reported.
    fn copy_reporting(
        &self,
        place: &Arc<Mutex<Option<UsersCursor>>>,
        has_reported: impl Fn() + Send + 'static,
    ) -> CopyTo {
        let reported = Arc::clone(place);
        let copy = self.fixture.streams.copy_to(&self.to).on_progress(move |so_far| {
            if so_far.next.is_some() {
                lock(&reported).clone_from(&so_far.next);
                has_reported();
            }
        });
        match lock(place).clone() {
            Some(place) => copy.after(place),
            None => copy,
        }
    }

    /// The library itself finds no difference.
    async fn verify(&self) {
        let fixture = &self.fixture;
        let verify = fixture.streams.verify_copy(&self.to).into_future();
        let bound = fixture.store.limits.broadcast;
        if let Some(found) = fixture.call("a verification", bound, verify).await
            && !found.is_same()
        {
            let named = &found.named[..found.named.len().min(3)];
            fixture.problem(format!("{} users differ, such as {named:?}", found.different));
        }
    }

    /// Compares the two stores, and ends the trial.
    async fn check(&self) -> Result<Outcome> {
        let fixture = &self.fixture;
        self.verify().await;
        let copy = inspector(&self.store);
        // Each item that was added is there exactly once, as in the first store.
        let snapshot = copy.snapshot().await.context("cannot read the copy")?;
        fixture.history.check(&snapshot, &mut lock(&fixture.outcome));
        let (mut ours, mut theirs) = (fixture.inspector.marks().await?, copy.marks().await?);
        ours.sort_unstable();
        theirs.sort_unstable();
        if ours.is_empty() || ours != theirs {
            let lost = format!("the copy has {} marks of {}, or others", theirs.len(), ours.len());
            fixture.wrong_answer(|outcome| &mut outcome.lost, lost);
        }
        self.to.close().await?;
        fixture.finish().await
    }
}

/// Items for everyone, a long stream, and some marks.
async fn fill(fixture: &Fixture, rng: &mut Rng) -> Result<()> {
    for users in [1..=USERS, rng.i64(1..100)..=USERS, 1..=rng.i64(200..USERS)] {
        let item = fixture.history.item(users);
        if !fixture.add(&item).await {
            bail!("an item was not added before the fault");
        }
    }
    let user = rng.i64(1..=USERS);
    let long: Vec<_> = (0..LONG_STREAM).map(|_| fixture.history.bulk_item(user..=user)).collect();
    let rows = long.iter().map(|item| (fixture.store.user_id(user), item.new_item()));
    fixture.streams.bulk_add(rows).await.context("cannot fill a long stream")?;
    fixture.history.acknowledge_bulk(&long);
    for user in (1..=USERS).step_by(7) {
        let items = fixture.streams.get_stream_items(fixture.store.user_id(user));
        items.mark_seen().await.context("cannot set a mark")?;
        if rng.bool() {
            items.mark_read().await.context("cannot set a mark")?;
        }
    }
    Ok(())
}

/// A message of a process that copies.
fn read(fixture: &Fixture, message: Message, place: &mut Option<UsersCursor>) {
    match message {
        Message::CopiedTo(next) => *place = Some(next),
        Message::Failed(_, error) => {
            fixture.problem(format!("a copy by a process failed: {error}"));
        }
        _ => {}
    }
}
