//! Marks move forward from many tasks at once, whose calls are dropped and connections cut.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use fastrand::Rng;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};
use user_streams_core::{Cursor, ItemId};

use super::{Fault, everywhere};
use crate::{
    cuts::Cuts,
    fixture::{Fixture, Options},
    outcome::Outcome,
    sync::lock,
    trial::Trial,
};

pub(super) const FAULT: Fault = Fault {
    name: "marks",
    about: "the marks of some users move forward from many tasks at once, whose calls are dropped \
        and whose connections are closed; none is ever behind a place that was acknowledged",
    runs_on: everywhere,
    short: 2,
    long: 20,
    exclusive: false,
    weight: 4,
    run: |trial| Box::pin(run(trial)),
};

pub(super) const USERS: i64 = 6;
/// The microseconds that a place is before or after the one that time has come to.
const SPREAD: i64 = 40;

/// A mark: its user, and whether it is `read` or `seen`.
type Key = (i64, bool);

/// A place, as it is stored.
type Place = (i64, i64);

/// Where the marks may be.
#[derive(Default)]
pub(super) struct Marks {
    attempted: Mutex<BTreeMap<Key, BTreeSet<Place>>>,
    /// The furthest place of each that was acknowledged.
    acknowledged: Mutex<BTreeMap<Key, Place>>,
    moves: AtomicI64,
}

impl Marks {
    pub(super) fn attempt(&self, mark: Key, place: Place) {
        lock(&self.attempted).entry(mark).or_default().insert(place);
    }

    pub(super) fn acknowledge(&self, mark: Key, place: Place) {
        self.moves.fetch_add(1, Ordering::Relaxed);
        let mut acknowledged = lock(&self.acknowledged);
        let furthest = acknowledged.entry(mark).or_insert(place);
        *furthest = place.max(*furthest);
    }

    /// How many moves were acknowledged.
    pub(super) fn moves(&self) -> u64 {
        self.moves.load(Ordering::Relaxed).unsigned_abs()
    }

    /// A mark was found at this place, after `least` was acknowledged.
    fn check(&self, fixture: &Fixture, mark: Key, found: Option<Place>, least: Option<Place>) {
        let (user, is_read) = mark;
        let name = if is_read { "read" } else { "seen" };
        if found < least {
            let lost = format!("the mark `{name}` of user {user} is at {found:?}, not {least:?}");
            fixture.wrong_answer(|outcome| &mut outcome.lost, lost);
        }
        let is_known = |place| {
            let attempted = lock(&self.attempted);
            attempted.get(&mark).is_some_and(|places| places.contains(&place))
        };
        if let Some(place) = found.filter(|place| !is_known(*place)) {
            fixture.foreign(format!("the mark `{name}` of user {user} is at {place:?}"));
        }
    }

    /// Compares all that is stored with what was acknowledged before.
    pub(super) async fn check_stored(&self, fixture: &Fixture) -> Result<()> {
        let least = lock(&self.acknowledged).clone();
        let stored = fixture.inspector.marks().await.context("cannot read the marks")?;
        let mut found = BTreeMap::new();
        for row in stored {
            let mark = (row.user, row.name == "read");
            if found.insert(mark, (row.created_at_us, row.id)).is_some() {
                let twice = format!("user {} has the mark `{}` twice", row.user, row.name);
                fixture.wrong_answer(|outcome| &mut outcome.duplicated, twice);
            }
        }
        for mark in (1..=USERS).flat_map(|user| [(user, false), (user, true)]) {
            self.check(fixture, mark, found.get(&mark).copied(), least.get(&mark).copied());
        }
        Ok(())
    }
}

async fn run(trial: Trial) -> Result<Outcome> {
    let mut rng = trial.rng();
    let fixture = Fixture::open(&trial, Options::on_either_pool(&trial)).await?;
    fixture.watch_sessions();
    let (marks, now) = (Arc::new(Marks::default()), Arc::new(AtomicI64::new(0)));
    let cuts = Cuts::start(&fixture, &mut rng);
    let end = Instant::now() + Duration::from_millis(trial.pick(700, 3_000));
    let mut set = JoinSet::new();
    for _ in 0..12 {
        let (fixture, marks, now) = (Arc::clone(&fixture), Arc::clone(&marks), Arc::clone(&now));
        let mut rng = rng.fork();
        set.spawn(async move {
            while Instant::now() < end {
                move_or_read(&fixture, &marks, &now, &mut rng).await;
            }
        });
    }
    while Instant::now() < end {
        sleep(Duration::from_millis(100)).await;
        marks.check_stored(&fixture).await?;
    }
    while let Some(done) = set.join_next().await {
        done?;
    }
    cuts.stop().await;
    marks.check_stored(&fixture).await?;
    let mut outcome = fixture.finish().await?;
    outcome.acknowledged += marks.moves();
    Ok(outcome)
}

/// Moves a mark to a place that is about as far as the others are, or reads one.
async fn move_or_read(fixture: &Fixture, marks: &Marks, now: &AtomicI64, rng: &mut Rng) {
    let mark @ (user, is_read) = (rng.i64(1..=USERS), rng.bool());
    let items = fixture.streams.get_stream_items(fixture.store.user_id(user));
    let longest = Duration::from_millis(4);
    if rng.u32(..5) == 0 {
        let least = lock(&marks.acknowledged).get(&mark).copied();
        let read =
            async { if is_read { items.read_up_to().await } else { items.seen_up_to().await } };
        if let Some(found) = fixture.attempt("a read of a mark", rng, longest, read).await {
            let found = found.map(|place| (place.created_at_us(), place.id().get()));
            marks.check(fixture, mark, found, least);
        }
        return;
    }
    let to = place(now, rng);
    let place = (to.created_at_us(), to.id().get());
    marks.attempt(mark, place);
    let moved = if is_read { items.mark_read() } else { items.mark_seen() };
    let moved = moved.up_to(to).into_future();
    if fixture.attempt("a move of a mark", rng, longest, moved).await.is_some() {
        marks.acknowledge(mark, place);
    }
}

/// A place that is about as far as the others are.
pub(super) fn place(now: &AtomicI64, rng: &mut Rng) -> Cursor {
    let micros =
        1_700_000_000_000_000 + 5 * now.fetch_add(1, Ordering::Relaxed) + rng.i64(-SPREAD..=SPREAD);
    let at: DateTime<Utc> = DateTime::from_timestamp_micros(micros).unwrap_or_default();
    Cursor::new(at, ItemId::generate())
}
