//! How what comes is noticed.

use std::time::Duration;

/// How [`subscribe`](crate::StreamItems::subscribe) learns of what comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Live {
    /// Whether the backend is to tell, if it can.
    pub(crate) live: bool,
    /// How often it is asked where it does not tell.
    pub(crate) poll_interval: Duration,
    /// How much later than its timestamp says an item may be stored and still be noticed whatever
    /// happens.
    pub(crate) lateness: Duration,
}

impl Live {
    pub(crate) const DEFAULT: Self = Self {
        live: false,
        poll_interval: Duration::from_secs(1),
        lateness: Duration::from_secs(10),
    };

    /// That long ago, in microseconds.
    pub(crate) fn late_us(&self, now_us: i64) -> i64 {
        now_us.saturating_sub(i64::try_from(self.lateness.as_micros()).unwrap_or(i64::MAX))
    }
}
