//! What the processes of a soak tell each other.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    outcome::{MAX_PROBLEMS, TOLERANCE, ratio},
    store::Store,
};

/// The task of a cell's process.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Task {
    /// None for the memory backend.
    pub(super) store: Option<Store>,
    pub(super) load: Duration,
    pub(super) seed: u64,
}

/// What the process has done.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Tally {
    /// Calls by operation, those that were dropped included.
    pub(super) calls: BTreeMap<String, u64>,
    pub(super) dropped: u64,
    pub(super) runtimes: u64,
    pub(super) handles: u64,
    /// The call that took the largest share of its bound: its duration, and the bound.
    pub(super) longest: Option<(Duration, Duration)>,
    /// What the tasks are doing, by their numbers.
    #[serde(skip)]
    pub(super) running: BTreeMap<i64, String>,
    /// What is wrong, in words: the first few.
    pub(super) problems: Vec<String>,
}

impl Tally {
    /// Records how long a call took.
    pub(super) fn took(&mut self, name: &str, took: Duration, bound: Duration) {
        if self.longest.is_none_or(|longest| ratio(longest) < ratio((took, bound))) {
            self.longest = Some((took, bound));
        }
        if took > bound + TOLERANCE {
            self.problem(format!("{name} took {took:.1?}; its bound is {bound:.1?}"));
        }
    }

    /// Records a problem.
    pub(super) fn problem(&mut self, problem: impl Into<String>) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(problem.into());
        }
    }
}

/// What a user's stream must be at the end.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Expected {
    pub(super) user: i64,
    /// The numbers of the items that were acknowledged and not deleted.
    pub(super) stored: Vec<u64>,
    /// How many others there may be, since their adds were dropped.
    pub(super) doubtful: usize,
}

/// What the process reports after its load.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Loaded {
    pub(super) tally: Tally,
    pub(super) expected: Vec<Expected>,
}
