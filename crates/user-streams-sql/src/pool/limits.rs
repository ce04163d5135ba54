//! How long a call may take.

use std::time::Duration;

use tokio::time::Instant;
use user_streams_core::{Error, ErrorKind};

use crate::{
    config::Timeouts,
    fault::{self, Mechanism},
};

/// The deadline of a call, whatever it waits for, and the timeout of each of its statements.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// When the whole call has to have ended.
    pub(crate) deadline: Instant,
    /// How long one statement may take.
    pub(crate) statement: Duration,
    /// How long to wait for a connection.
    pub(crate) connect: Duration,
    /// The whole call's timeout and the option's name, for the error.
    call: (Duration, &'static str),
}

impl Limits {
    /// For a call of few statements: `operation_timeout` bounds all of it.
    pub(crate) fn for_call(timeouts: &Timeouts) -> Self {
        Self::new(timeouts, timeouts.operation, "operation_timeout")
    }

    /// For a broadcast of several chunks, or to a query: `broadcast_timeout` bounds all of it.
    pub(crate) fn for_broadcast(timeouts: &Timeouts) -> Self {
        Self::new(timeouts, timeouts.broadcast, "broadcast_timeout")
    }

    /// For opening a pool: `connect_timeout` bounds all of it.
    pub(crate) fn for_connect(timeouts: &Timeouts) -> Self {
        Self::new(timeouts, timeouts.connect, "connect_timeout")
    }

    /// For a health check, whose bound does not depend on the options.
    pub(crate) fn for_ping(limit: Duration) -> Self {
        Self {
            deadline: Instant::now() + limit,
            statement: limit,
            connect: limit,
            call: (limit, "ping"),
        }
    }

    fn new(timeouts: &Timeouts, call: Duration, option: &'static str) -> Self {
        Self {
            deadline: Instant::now() + call,
            statement: timeouts.operation,
            connect: timeouts.connect,
            call: (call, option),
        }
    }

    /// The deadline of a statement that begins now.
    pub(crate) fn statement_deadline(&self) -> Instant {
        let deadline = Instant::now() + self.statement;
        if fault::is_active(Mechanism::Deadline) { deadline.min(self.deadline) } else { deadline }
    }

    /// The error of a statement that missed its deadline.
    pub(crate) fn timeout_error(&self) -> Error {
        let (limit, option) =
            if self.is_expired() { self.call } else { (self.statement, "operation_timeout") };
        Error::new(
            ErrorKind::Timeout,
            format!("the database did not answer within {} s (`{option}`)", limit.as_secs_f64()),
        )
    }

    /// Whether the deadline of the whole call has passed.
    pub(crate) fn is_expired(&self) -> bool {
        Instant::now() >= self.deadline
    }
}

/// The server's own timeout for a statement with this timeout here: a little above, for when the
/// server does not notice that the client has gone.
pub(super) fn server_limit(limit: Duration) -> Duration {
    limit + Duration::from_secs(1)
}
