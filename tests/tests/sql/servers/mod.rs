//! Errors of servers as the application sees them: one file per topic.

pub(crate) mod role;

mod codes;
mod full;
mod killed;
mod privileges;
mod read_only;
mod standby;

use user_streams_core::{Error, ErrorKind};

pub(crate) const TOPICS: &[&[crate::Test]] = &[
    codes::TESTS,
    full::TESTS,
    killed::TESTS,
    privileges::TESTS,
    read_only::TESTS,
    standby::TESTS,
];

/// Whether the error is of this kind and can be retried, and its message has these words.
#[track_caller]
fn says(name: &str, error: &Error, kind: ErrorKind, retry: bool, words: &str) {
    assert_eq!((error.kind(), error.is_retryable()), (kind, retry), "{name}: {error:?}");
    assert!(error.message().contains(words), "{name}: no {words:?} in {error:?}");
}
