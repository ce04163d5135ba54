//! Calls of the library: some are dropped, and the others must end in time and without an error.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use fastrand::Rng;
use tokio::time::timeout;
use user_streams_core::Error;

use super::task::Tally;
use crate::{partly::run_partly, sync::lock};

/// The percentage of calls that are dropped, unless they end before: about half of them do.
const DROPPED_PERCENT: u32 = 30;
/// How much longer than its bound a call is waited for.
const MAX_OVERRUN: Duration = Duration::from_secs(10);

/// Makes calls, and counts them.
pub(super) struct Caller {
    /// Its number, to tell what it is doing.
    pub(super) number: i64,
    pub(super) rng: Rng,
    pub(super) tally: Arc<Mutex<Tally>>,
}

impl Caller {
    /// Awaits a call, or drops it after a while; returns its answer, if it has one.
    pub(super) async fn call<T>(
        &mut self,
        name: &str,
        bound: Duration,
        call: impl Future<Output = Result<T, Error>> + Send,
    ) -> Option<T> {
        if self.rng.u32(..100) >= DROPPED_PERCENT {
            return self.complete(name, bound, call).await;
        }
        let (by_polls, polls) = (self.rng.bool(), self.rng.u32(1..6));
        let time = Duration::from_micros(self.rng.u64(..5_000));
        self.running(name);
        match run_partly(Box::pin(call), by_polls, polls, time).await {
            Some(ended) => self.answer(name, ended),
            None => {
                self.count(name);
                lock(&self.tally).dropped += 1;
                None
            }
        }
    }

    /// Awaits a call; it is not dropped.
    pub(super) async fn complete<T>(
        &mut self,
        name: &str,
        bound: Duration,
        call: impl Future<Output = Result<T, Error>> + Send,
    ) -> Option<T> {
        self.running(name);
        let began = Instant::now();
        let ended = timeout(bound + MAX_OVERRUN, Box::pin(call)).await;
        lock(&self.tally).took(name, began.elapsed(), bound);
        self.answer(name, ended.ok()?)
    }

    fn answer<T>(&self, name: &str, ended: Result<T, Error>) -> Option<T> {
        self.count(name);
        match ended {
            Ok(answer) => Some(answer),
            Err(error) => {
                self.problem(format!("{name} failed: {:?}: {error}", error.kind()));
                None
            }
        }
    }

    /// Notes what it does, until it is counted.
    pub(super) fn running(&self, name: &str) {
        lock(&self.tally).running.insert(self.number, name.to_owned());
    }

    /// Counts a call.
    pub(super) fn count(&self, name: &str) {
        let mut tally = lock(&self.tally);
        tally.running.remove(&self.number);
        *tally.calls.entry(name.to_owned()).or_default() += 1;
    }

    /// Records a problem.
    pub(super) fn problem(&self, problem: impl Into<String>) {
        lock(&self.tally).problem(problem);
    }

    /// Records what is wrong with an answer, if anything.
    pub(super) fn expect(&self, checked: Result<(), String>) {
        if let Err(problem) = checked {
            self.problem(problem);
        }
    }
}
