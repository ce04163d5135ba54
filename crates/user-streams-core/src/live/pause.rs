//! Waiting after failures.

use std::time::Duration;

/// How long to wait after so many failures in a row: 50 ms to 5 s, and up to a half more, so that
/// not all come at once.
pub(crate) fn pause(failures: u32) -> Duration {
    let whole = Duration::from_millis(50 << failures.min(7)).min(Duration::from_secs(5));
    whole.mul_f64(1.0 + fastrand::f64() / 2.0)
}
