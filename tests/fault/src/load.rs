//! Background load: tasks that add and read until they are stopped.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use fastrand::Rng;
use tokio::{task::JoinSet, time::sleep};

use crate::fixture::Fixture;

/// The recipients of broadcasts.
const SHARED_USERS: std::ops::RangeInclusive<i64> = 1..=40;
/// The first of the users that belong to one task each.
const FIRST_OWN_USER: i64 = 10_000_000;
const USERS_PER_LOAD: i64 = 100;
/// The items of a page: an item must be on the first page until as many others began.
const PAGE: u64 = 30;

/// Running tasks.
pub(crate) struct Load {
    fixture: Arc<Fixture>,
    stop: Arc<AtomicBool>,
    tasks: JoinSet<()>,
}

impl Load {
    /// Starts tasks, each with a user of its own.
    pub(crate) fn start(fixture: &Arc<Fixture>, rng: &mut Rng, tasks: i64) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut set = JoinSet::new();
        let first = FIRST_OWN_USER + fixture.loads.fetch_add(1, Ordering::Relaxed) * USERS_PER_LOAD;
        for task in 0..tasks {
            let (fixture, stop, rng) = (Arc::clone(fixture), Arc::clone(&stop), rng.fork());
            set.spawn(async move { Worker::new(fixture, first + task, rng).run(&stop).await });
        }
        Self { fixture: Arc::clone(fixture), stop, tasks: set }
    }

    /// Stops the tasks, each after its current call.
    pub(crate) async fn stop(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(done) = self.tasks.join_next().await {
            if let Err(error) = done {
                self.fixture.problem(format!("a task of the load failed: {error}"));
            }
        }
    }
}

/// A task, and what it knows about its user's stream.
struct Worker {
    fixture: Arc<Fixture>,
    user: i64,
    rng: Rng,
    /// The last acknowledged item, and how many adds began after it.
    newest: Option<(u64, u64)>,
    begun: u64,
    acknowledged: u64,
}

impl Worker {
    fn new(fixture: Arc<Fixture>, user: i64, rng: Rng) -> Self {
        Self { fixture, user, rng, newest: None, begun: 0, acknowledged: 0 }
    }

    async fn run(mut self, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            match self.rng.u32(..100) {
                0..45 => self.add().await,
                45..55 => self.broadcast().await,
                55..85 => self.read_own().await,
                85..93 => self.count_own().await,
                _ => _ = self.fixture.read(self.rng.i64(SHARED_USERS)).await,
            }
            sleep(Duration::from_millis(self.rng.u64(5..30))).await;
        }
    }

    async fn add(&mut self) {
        let item = self.fixture.history.item(self.user..=self.user);
        self.begun += 1;
        if let Some((_, since)) = &mut self.newest {
            *since += 1;
        }
        let added =
            self.fixture.add(&item).await || self.rng.bool() && self.fixture.add(&item).await;
        if added {
            self.newest = Some((item.number, 0));
            self.acknowledged += 1;
        }
    }

    async fn broadcast(&mut self) {
        let first = self.rng.i64(SHARED_USERS);
        let last = (first + self.rng.i64(1..20)).min(*SHARED_USERS.end());
        let item = self.fixture.history.item(first..=last);
        if !self.fixture.add(&item).await && self.rng.bool() {
            _ = self.fixture.add(&item).await;
        }
    }

    async fn read_own(&mut self) {
        let Some(page) = self.fixture.read(self.user).await else { return };
        if let Some((number, since)) = self.newest
            && since < PAGE
            && !page.contains(&number)
        {
            self.fixture
                .foreign(format!("a page of user {} lacks #{number}, the newest item", self.user));
        }
    }

    async fn count_own(&mut self) {
        let Some(count) = self.fixture.count(self.user).await else { return };
        if !(self.acknowledged..=self.begun).contains(&count) {
            let (user, from, to) = (self.user, self.acknowledged, self.begun);
            self.fixture.foreign(format!(
                "the count of user {user} is {count}; it must be from {from} to {to}"
            ));
        }
    }
}
