use backon::{ExponentialBuilder, Retryable};
use tokio::time::{Duration, Instant};
use user_streams::{Delivery, NewItem, Result, Streams};

/// After this time no further attempt begins.
const PATIENCE: Duration = Duration::from_secs(60);

/// Adds an item, and tries again while that can help.
pub async fn add(streams: &Streams, users: &[i64], item: &NewItem) -> Result<Delivery> {
    // 0.1 to 0.2 s, then 0.2 to 0.4 s, and so on up to 5 to 10 s. The pauses are random, so that
    // tasks that have failed together do not return together.
    let pauses = ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(Duration::from_secs(5))
        .with_jitter()
        .without_max_times();
    let began = Instant::now();
    (|| async { streams.add_stream_item(users, item.clone()).await })
        .retry(pauses)
        .when(|error| error.is_retryable() && began.elapsed() < PATIENCE)
        .await
}
