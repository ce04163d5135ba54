//! Whether a secret is in what was shown.

use std::{
    any::type_name,
    collections::BTreeSet,
    error::Error as StdError,
    fmt::Debug,
    sync::{Mutex, PoisonError},
};

use user_streams_core::Error;

/// Parts of the passwords `s3cr3t` and `otS33+tb/e4=` that are the same in every encoding.
const SECRETS: &[&str] = &["3cr3t", "ots33"];

/// The names of the types whose `Debug` was checked.
static TYPES: Mutex<BTreeSet<&str>> = Mutex::new(BTreeSet::new());

/// Fails if a secret is in the `Debug` of a value, in either form.
#[track_caller]
pub(crate) fn check_debug<T: Debug>(value: &T) {
    let path = type_name::<T>();
    let name = path.split('<').next().and_then(|path| path.rsplit("::").next()).unwrap_or(path);
    TYPES.lock().unwrap_or_else(PoisonError::into_inner).insert(name);
    check(path, &format!("{value:?}\n{value:#?}"));
}

/// Whether the `Debug` of a type of this name was checked.
pub(crate) fn is_checked(name: &str) -> bool {
    TYPES.lock().unwrap_or_else(PoisonError::into_inner).contains(name)
}

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
    check_debug(error);
    let mut cause: Option<&dyn StdError> = Some(error);
    while let Some(error) = cause {
        check(what, &format!("{error}\n{error:#}\n{error:?}\n{error:#?}"));
        cause = error.source();
    }
}
