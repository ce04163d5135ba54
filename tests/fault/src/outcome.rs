//! The outcome of a trial: counts, and the problems in words.

use std::time::Duration;

/// How much longer than its documented bound a call may take, for a busy machine.
pub(crate) const TOLERANCE: Duration = Duration::from_millis(500);

/// How many problems of a trial are kept.
pub(crate) const MAX_PROBLEMS: usize = 16;

/// The share of its bound that a call took.
pub(crate) fn ratio((took, bound): (Duration, Duration)) -> f64 {
    took.as_secs_f64() / bound.as_secs_f64()
}

/// The outcome of one trial, or the sum of several.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) trials: u64,
    pub(crate) failed: u64,
    /// Items with an acknowledged add.
    pub(crate) acknowledged: u64,
    /// Acknowledged items that a recipient does not have.
    pub(crate) lost: u64,
    /// Deliveries stored or read twice.
    pub(crate) duplicated: u64,
    /// Broadcasts that only some of their recipients received, or that reported another count than
    /// what is stored.
    pub(crate) partial: u64,
    /// Items in a stream or a page of another user, and answers that belong to another call.
    pub(crate) foreign: u64,
    /// The call that took the largest share of its bound: its duration, and the bound.
    pub(crate) longest: Option<(Duration, Duration)>,
    /// Calls that took longer than their bound.
    pub(crate) over_bound: u64,
    /// Calls that failed although the server had recovered.
    pub(crate) late_failures: u64,
    /// Sessions that still run a statement or hold a lock long after their call ended.
    pub(crate) leaked_sessions: u64,
    /// Connections that the pool no longer hands out.
    pub(crate) missing_connections: u64,
    pub(crate) opened_sessions: u64,
    /// Sessions above the limit at once.
    pub(crate) excess_sessions: u64,
    /// What is wrong, in words.
    pub(crate) problems: Vec<String>,
}

impl Outcome {
    /// Records a call.
    pub(crate) fn call(&mut self, took: Duration, bound: Duration) {
        if self.longest.is_none_or(|longest| ratio(longest) < ratio((took, bound))) {
            self.longest = Some((took, bound));
        }
    }

    /// Records a problem, up to [`MAX_PROBLEMS`]; the counts include all.
    pub(crate) fn problem(&mut self, problem: impl Into<String>) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(problem.into());
        }
    }

    /// Adds a trial's outcome.
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
        self.over_bound += trial.over_bound;
        self.late_failures += trial.late_failures;
        self.leaked_sessions += trial.leaked_sessions;
        self.missing_connections += trial.missing_connections;
        self.opened_sessions += trial.opened_sessions;
        self.excess_sessions += trial.excess_sessions;
    }

    /// The longest call and its bound.
    pub(crate) fn longest(&self) -> String {
        self.longest.map_or_else(String::new, |(took, bound)| {
            format!("{:.2} of {:.1} s", took.as_secs_f64(), bound.as_secs_f64())
        })
    }
}
