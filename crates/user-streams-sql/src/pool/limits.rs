//! How long a call may take.

use std::time::Duration;

use tokio::time::Instant;
use user_streams_core::{Error, ErrorKind};

use crate::{
    config::Timeouts,
    fault::{self, Mechanism},
};

/// When a call has to have ended, whatever it waits for, and how long one statement of it may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// When the whole call has to have ended.
    pub(crate) until: Instant,
    /// How long one statement may take.
    pub(crate) statement: Duration,
    /// How long to wait for a connection.
    pub(crate) connect: Duration,
    /// Of the call, as configured, and the option's name.
    call: (Duration, &'static str),
}

impl Limits {
    /// For a call of few statements: `operation_timeout` bounds all of it.
    pub(crate) fn of_call(timeouts: &Timeouts) -> Self {
        Self::new(timeouts, timeouts.operation, "operation_timeout")
    }

    /// For a broadcast of several chunks, or to a query: `broadcast_timeout` bounds all of it.
    pub(crate) fn of_broadcast(timeouts: &Timeouts) -> Self {
        Self::new(timeouts, timeouts.broadcast, "broadcast_timeout")
    }

    /// For opening a pool: `connect_timeout` bounds all of it.
    pub(crate) fn of_connect(timeouts: &Timeouts) -> Self {
        Self::new(timeouts, timeouts.connect, "connect_timeout")
    }

    fn new(timeouts: &Timeouts, call: Duration, option: &'static str) -> Self {
        let now = Instant::now();
        Self {
            until: now + call,
            statement: timeouts.operation,
            connect: timeouts.connect,
            call: (call, option),
        }
    }

    /// When a statement that begins now has to have ended.
    pub(crate) fn next(&self) -> Instant {
        let next = Instant::now() + self.statement;
        if fault::has(Mechanism::Deadline) { next.min(self.until) } else { next }
    }

    /// The error of a statement that did not end by [`next`](Self::next).
    pub(crate) fn expired(&self) -> Error {
        let (limit, option) =
            if self.is_over() { self.call } else { (self.statement, "operation_timeout") };
        Error::new(
            ErrorKind::Timeout,
            format!("the database did not answer within {} s (`{option}`)", limit.as_secs_f64()),
        )
    }

    /// Whether the whole call has no time left.
    pub(crate) fn is_over(&self) -> bool {
        Instant::now() >= self.until
    }
}

/// The server's own limit for what has this limit here: a little above, for when the server does
/// not learn that we have left.
pub(super) fn server_limit(limit: Duration) -> Duration {
    limit + Duration::from_secs(1)
}
