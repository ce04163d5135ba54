//! Streams with short timeouts, and what tests of many files do with them.

use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use user_streams_core::Streams;
use user_streams_redis::{RedisBackend, RedisConfig};

/// What an operation may take, and connecting.
pub const TIMEOUT: Duration = Duration::from_millis(800);

/// The options with these timeouts.
pub fn config() -> RedisConfig {
    with_timeouts(TIMEOUT, TIMEOUT)
}

pub fn with_timeouts(operation: Duration, connect: Duration) -> RedisConfig {
    RedisConfig::new().with_operation_timeout(operation).with_connect_timeout(connect)
}

pub async fn connect(url: &str) -> Streams {
    connect_with(url, config()).await
}

pub async fn connect_with(url: &str, config: RedisConfig) -> Streams {
    Streams::from_backend(RedisBackend::connect(url, config).await.unwrap())
}

pub fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}
