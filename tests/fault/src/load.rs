//! Tasks that add and read all the time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use fastrand::Rng;
use tokio::{task::JoinSet, time::sleep};

use crate::stage::Stage;

/// The users whom broadcasts go to.
pub(crate) const CROWD: std::ops::RangeInclusive<i64> = 1..=40;
/// The first of the tasks' own users; each load has some of its own.
const OWN: i64 = 10_000_000;
const APART: i64 = 100;
/// A page has so many items; an item is looked for while no more could have come since.
const PAGE: u64 = 30;

/// Running tasks.
pub(crate) struct Load {
    stage: Arc<Stage>,
    stop: Arc<AtomicBool>,
    tasks: JoinSet<()>,
}

impl Load {
    /// Starts so many tasks, each with a user of its own.
    pub(crate) fn start(stage: &Arc<Stage>, rng: &mut Rng, tasks: i64) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut set = JoinSet::new();
        let first = OWN + stage.loads.fetch_add(1, Ordering::Relaxed) * APART;
        for task in 0..tasks {
            let (stage, stop, rng) = (Arc::clone(stage), Arc::clone(&stop), rng.fork());
            set.spawn(async move { One::new(stage, first + task, rng).run(&stop).await });
        }
        Self { stage: Arc::clone(stage), stop, tasks: set }
    }

    /// Lets each end its call.
    pub(crate) async fn stop(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(done) = self.tasks.join_next().await {
            if let Err(error) = done {
                self.stage.problem(format!("a task broke off: {error}"));
            }
        }
    }
}

/// A task, and what it knows of its own user's stream.
struct One {
    stage: Arc<Stage>,
    user: i64,
    rng: Rng,
    /// The last add that was acknowledged, and how many were begun since.
    newest: Option<(u64, u64)>,
    begun: u64,
    acknowledged: u64,
}

impl One {
    fn new(stage: Arc<Stage>, user: i64, rng: Rng) -> Self {
        Self { stage, user, rng, newest: None, begun: 0, acknowledged: 0 }
    }

    async fn run(mut self, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            match self.rng.u32(..100) {
                0..45 => self.add().await,
                45..55 => self.broadcast().await,
                55..85 => self.read_own().await,
                85..93 => self.count_own().await,
                _ => _ = self.stage.read(self.rng.i64(CROWD)).await,
            }
            sleep(Duration::from_millis(self.rng.u64(5..30))).await;
        }
    }

    async fn add(&mut self) {
        let item = self.stage.ledger.item(self.user..=self.user);
        self.begun += 1;
        if let Some((_, since)) = &mut self.newest {
            *since += 1;
        }
        let added = self.stage.add(&item).await || self.rng.bool() && self.stage.add(&item).await;
        if added {
            self.newest = Some((item.number, 0));
            self.acknowledged += 1;
        }
    }

    async fn broadcast(&mut self) {
        let first = self.rng.i64(CROWD);
        let last = (first + self.rng.i64(1..20)).min(*CROWD.end());
        let item = self.stage.ledger.item(first..=last);
        if !self.stage.add(&item).await && self.rng.bool() {
            _ = self.stage.add(&item).await;
        }
    }

    async fn read_own(&mut self) {
        let Some(page) = self.stage.read(self.user).await else { return };
        if let Some((number, since)) = self.newest
            && since < PAGE
            && !page.contains(&number)
        {
            self.stage.foreign(format!(
                "a page of user {} is without #{number}, its newest item",
                self.user
            ));
        }
    }

    async fn count_own(&mut self) {
        let Some(count) = self.stage.count(self.user).await else { return };
        if !(self.acknowledged..=self.begun).contains(&count) {
            let (user, from, to) = (self.user, self.acknowledged, self.begun);
            self.stage.foreign(format!(
                "the count of user {user} is {count}; it has {from} to {to} items"
            ));
        }
    }
}
