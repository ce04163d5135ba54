//! How long a call may take.

use std::time::Duration;

use tokio::time::Instant;
use user_streams_core::{Error, ErrorKind};

use crate::{
    config::Timeouts,
    fault::{self, Mechanism},
};

/// How long a group of calls waits for another's lock, which only one of them may need.
pub(crate) const MAX_LOCK_WAIT: Duration = Duration::from_secs(1);

/// The deadline of a call, whatever it waits for, and the timeout of each of its statements.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// When the whole call has to have ended.
    pub(crate) deadline: Instant,
    /// How long one statement may take.
    pub(crate) statement: Duration,
    /// How long to wait for a connection.
    pub(crate) connect: Duration,
    /// From when on, if not from when one is asked for.
    waiting_since: Option<Instant>,
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
            waiting_since: None,
            call: (limit, "ping"),
        }
    }

    fn new(timeouts: &Timeouts, call: Duration, option: &'static str) -> Self {
        Self {
            deadline: Instant::now() + call,
            statement: timeouts.operation,
            connect: timeouts.connect,
            waiting_since: None,
            call: (call, option),
        }
    }

    /// The same with another deadline.
    pub(crate) fn until(self, deadline: Instant) -> Self {
        Self { deadline, ..self }
    }

    /// The same for a call that waits for a connection already.
    pub(crate) fn waiting_since(self, start: Instant) -> Self {
        Self { waiting_since: Some(start), ..self }
    }

    /// Until when to wait, at the most for this long.
    pub(crate) fn wait_deadline(&self, wait: Duration) -> Instant {
        self.deadline.min(self.waiting_since.unwrap_or_else(Instant::now) + wait)
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
