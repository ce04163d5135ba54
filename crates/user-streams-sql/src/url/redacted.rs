//! Options with a password that their own `Debug` would show.

use std::{fmt, ops::Deref};

/// A value that `Debug` does not show.
#[derive(Clone)]
pub(crate) struct Redacted<T>(pub(crate) T);

impl<T> Deref for Redacted<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Redacted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(redacted)")
    }
}
