//! Streams with short timeouts, and what tests of many files do with them.

use std::{sync::Arc, time::Duration};

use tokio::runtime::{Builder, Runtime};
use user_streams_core::{
    Streams, UserId,
    backend::{Backend, ListUsers},
};
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
    Streams::from_backend(backend_with(url, config).await)
}

pub async fn backend_with(url: &str, config: RedisConfig) -> Arc<dyn Backend> {
    Arc::new(RedisBackend::connect(url, config).await.unwrap())
}

/// Everyone in the list of users, in parts of about so many, and how many parts there were.
pub async fn list(backend: &dyn Backend, limit: u64) -> (Vec<UserId>, usize) {
    let (mut users, mut query, mut parts) = (Vec::new(), ListUsers::new(limit), 0);
    loop {
        let page = backend.list_users(query).await.unwrap();
        parts += 1;
        users.extend(page.users);
        match page.next {
            Some(next) => query = ListUsers::new(limit).after(next),
            None => return (users, parts),
        }
    }
}

pub fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}
