//! What the suite takes for granted of a backend and its machine.

use std::time::Duration;

use user_streams_core::DEFAULT_MAX_CONTENT_LEN;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// The longest that a case may take.
    pub(crate) case: Duration,
    /// The longest that a backend may take to answer after a call was dropped.
    pub(crate) recovery: Duration,
    /// The longest content that the store takes.
    pub(crate) max_content_len: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            case: Duration::from_secs(120),
            recovery: Duration::from_secs(10),
            max_content_len: DEFAULT_MAX_CONTENT_LEN,
        }
    }
}
