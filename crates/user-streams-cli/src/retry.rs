//! Trying again what may pass.

use std::time::{Duration, Instant};

use backon::{ExponentialBuilder, Retryable};
use user_streams::{Error, Result};

use crate::session::Session;

/// Does it, and does it again while that can help, for as long as `patience` lasts.
pub(crate) async fn retried<T, F>(
    session: &Session,
    patience: Duration,
    call: impl FnMut() -> F,
) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let pauses = ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(Duration::from_secs(5))
        .with_jitter()
        .without_max_times();
    let began = Instant::now();
    call.retry(pauses)
        .when(|error: &Error| error.is_retryable() && began.elapsed() < patience)
        .notify(|error, _| session.remark(format_args!("{error}; trying again")))
        .await
}
