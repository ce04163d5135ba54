//! Whether a secret is in what was shown.

use std::error::Error as StdError;

use user_streams_core::Error;

/// Parts of the passwords `s3cr3t` and `otS33+tb/e4=` that are the same in every encoding.
const SECRETS: &[&str] = &["3cr3t", "ots33"];

/// Fails if a secret is in `shown`, and says where.
#[track_caller]
pub(crate) fn check(what: &str, shown: &str) {
    let leaks: Vec<_> = shown.lines().filter(|line| is_leak(line)).take(5).collect();
    assert!(leaks.is_empty(), "{what}: {leaks:#?}");
}

pub(crate) fn is_leak(line: &str) -> bool {
    let line = line.to_lowercase();
    SECRETS.iter().any(|secret| line.contains(secret))
}

/// The same for an error and its causes.
#[track_caller]
pub(crate) fn check_error(what: &str, error: &Error) {
    let mut cause: Option<&dyn StdError> = Some(error);
    while let Some(error) = cause {
        check(what, &format!("{error}\n{error:#}\n{error:?}\n{error:#?}"));
        cause = error.source();
    }
}
