//! Faults of connections, servers, disks and callers: one file per topic, on every database, layout
//! and kind of pool that may be affected.

pub(crate) mod blocker;
mod child;
pub(crate) mod handles;
mod logins;
pub(crate) mod own_server;
pub(crate) mod proxy;
pub(crate) mod sessions;

mod bounds;
mod closed_sockets;
mod closing;
mod dropped_calls;
mod idle;
mod limits;
mod outstanding_answers;
mod packets;
mod recipients;
mod runtimes;
mod same_pool;
mod session_settings;
mod snapshot_isolation;
mod sqlite_errors;
mod sqlite_lock;
mod waiting;

use std::{
    fmt::Display,
    future::IntoFuture,
    time::{Duration, Instant},
};

use tokio::{
    task::JoinHandle,
    time::{sleep, timeout},
};

pub(crate) const TOPICS: &[&[crate::Test]] = &[
    bounds::TESTS,
    closed_sockets::TESTS,
    closing::TESTS,
    dropped_calls::TESTS,
    idle::TESTS,
    limits::TESTS,
    outstanding_answers::TESTS,
    packets::TESTS,
    recipients::TESTS,
    runtimes::TESTS,
    same_pool::TESTS,
    session_settings::TESTS,
    snapshot_isolation::TESTS,
    sqlite_errors::TESTS,
    sqlite_lock::TESTS,
    waiting::TESTS,
];

pub(crate) fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// The output; panics after the limit.
pub(crate) async fn within<F: IntoFuture>(limit: f64, what: impl Display, future: F) -> F::Output {
    match timeout(seconds(limit), future.into_future()).await {
        Ok(output) => output,
        Err(_) => panic!("{what}: not done within {limit} s"),
    }
}

/// The output, and how long it took; panics after the limit.
pub(crate) async fn timed<F: IntoFuture>(
    limit: f64,
    what: impl Display,
    future: F,
) -> (F::Output, Duration) {
    let started = Instant::now();
    let output = within(limit, what, future).await;
    (output, started.elapsed())
}

/// Waits until the condition is true; panics after the limit.
pub(crate) async fn eventually<F: Future<Output = bool>>(
    limit: f64,
    what: impl Display,
    mut holds: impl FnMut() -> F,
) {
    let deadline = Instant::now() + seconds(limit);
    while !holds().await {
        assert!(Instant::now() < deadline, "{what}: not so within {limit} s");
        sleep(Duration::from_millis(20)).await;
    }
}

/// A call that runs beside the test and is aborted with it, since its locks would keep the test's
/// database from being dropped.
pub(crate) struct Running<T>(JoinHandle<T>);

pub(crate) fn start<F>(call: F) -> Running<F::Output>
where
    F: IntoFuture<IntoFuture: Send + 'static, Output: Send + 'static>,
{
    Running(tokio::spawn(call.into_future()))
}

impl<T> Running<T> {
    /// Its result.
    pub(crate) async fn end(mut self) -> T {
        (&mut self.0).await.unwrap()
    }
}

impl<T> Drop for Running<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
