//! What is counted, in a trial and over all.

use std::time::Duration;

/// How much longer than its documented bound a call may take: the time to wake up on a busy
/// machine.
pub(crate) const TOLERANCE: Duration = Duration::from_millis(500);

/// How many problems of a trial are told in words.
const TOLD: usize = 16;

/// The figures of one trial, or of several.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) trials: u64,
    pub(crate) failed: u64,
    /// Adds that were answered with success, by item.
    pub(crate) acknowledged: u64,
    /// Acknowledged, and not stored for somebody.
    pub(crate) lost: u64,
    /// Stored, or read, twice.
    pub(crate) duplicated: u64,
    /// Broadcasts that reached some of their recipients, or reported another count than what is
    /// stored.
    pub(crate) partial: u64,
    /// Items in a stream or a page of somebody else, and pages and counts that answer another call.
    pub(crate) foreign: u64,
    /// The call that was the longest beside its bound, and the bound.
    pub(crate) longest: Option<(Duration, Duration)>,
    /// Calls over their bound.
    pub(crate) over: u64,
    /// Calls that failed when they should not any more.
    pub(crate) late: u64,
    /// Sessions that still work or hold a lock when they should not.
    pub(crate) left: u64,
    /// Connections that the pool does not give out any more.
    pub(crate) slots: u64,
    /// Sessions opened.
    pub(crate) opened: u64,
    /// Sessions above the limit.
    pub(crate) too_many: u64,
    /// What is wrong, in words.
    pub(crate) problems: Vec<String>,
}

impl Tally {
    /// Notes a call.
    pub(crate) fn call(&mut self, took: Duration, bound: Duration) {
        let ratio = |(took, bound): (Duration, Duration)| took.as_secs_f64() / bound.as_secs_f64();
        if self.longest.is_none_or(|longest| ratio(longest) < ratio((took, bound))) {
            self.longest = Some((took, bound));
        }
    }

    /// Notes what is wrong. So many problems are told; the figures count all.
    pub(crate) fn problem(&mut self, what: impl Into<String>) {
        if self.problems.len() < TOLD {
            self.problems.push(what.into());
        }
    }

    /// Adds the figures of a trial that has ended.
    pub(crate) fn add(&mut self, trial: &Self) {
        self.trials += 1;
        self.failed += u64::from(!trial.problems.is_empty());
        self.acknowledged += trial.acknowledged;
        self.lost += trial.lost;
        self.duplicated += trial.duplicated;
        self.partial += trial.partial;
        self.foreign += trial.foreign;
        if let Some((took, bound)) = trial.longest {
            self.call(took, bound);
        }
        self.over += trial.over;
        self.late += trial.late;
        self.left += trial.left;
        self.slots += trial.slots;
        self.opened += trial.opened;
        self.too_many += trial.too_many;
    }

    /// The longest call and its bound.
    pub(crate) fn longest(&self) -> String {
        self.longest.map_or_else(String::new, |(took, bound)| {
            format!("{:.2} of {:.1} s", took.as_secs_f64(), bound.as_secs_f64())
        })
    }
}
