//! What a rule reports.

use std::fmt;

/// What is wrong with a file, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Problem {
    file: String,
    pub(super) advice: String,
}

impl Problem {
    pub(super) fn new(file: &str, advice: impl Into<String>) -> Self {
        Self { file: file.to_owned(), advice: advice.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.advice)
    }
}
