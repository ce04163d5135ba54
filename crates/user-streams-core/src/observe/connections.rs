//! What a backend reports of its connections. It only keeps the values that it gets here for as
//! long as what they stand for: whatever ends it, the numbers are right.

use super::facade::{self, Counter, Gauge, Label};

const COUNT: &str = "db.client.connection.count";
const PENDING_REQUESTS: &str = "db.client.connection.pending_requests";
const OPENED: &str = "user_streams.connections.opened";
const CLOSED: &str = "user_streams.connections.closed";

pub(super) fn describe() {
    facade::describe_gauge(COUNT, "Open connections, in use or idle");
    facade::describe_gauge(PENDING_REQUESTS, "Calls that wait for a connection");
    facade::describe_counter(OPENED, "Connections opened");
    facade::describe_counter(CLOSED, "Connections closed, for whatever reason");
}

/// The metrics of a pool of connections, for a backend to report them: `db.client.connection.count`
/// and the like, through the facade `metrics`. Without the feature `metrics` of this crate, which
/// is the application's to choose, it does nothing.
///
/// ```
/// use user_streams_core::backend::ConnectionMetrics;
///
/// let metrics = ConnectionMetrics::new("my-backend");
/// let waiting = metrics.waiting(); // a call wants a connection
/// let connection = metrics.opened(); // one is opened, and idle
/// drop(waiting);
/// let used = connection.used(); // the call has it
/// drop(used); // it is idle again
/// drop(connection); // it is closed
/// ```
#[derive(Debug, Clone)]
pub struct ConnectionMetrics {
    pool: Label,
}

impl ConnectionMetrics {
    /// Those of the pool of this name, which is the backend's, or begins with it if the backend has
    /// several: `my-backend.readers`.
    pub fn new(pool: impl Into<String>) -> Self {
        Self { pool: Label::new("db.client.connection.pool.name", pool.into()) }
    }

    /// A connection that has just been opened, to be kept until it is closed.
    #[must_use = "the connection counts as closed when it is dropped"]
    pub fn opened(&self) -> OpenConnection {
        let count = |state| {
            let state = Label::new("db.client.connection.state", state);
            facade::gauge(COUNT, vec![self.pool.clone(), state])
        };
        let gauges = StateGauges { idle: count("idle"), used: count("used") };
        let counter = |name| facade::counter(name, vec![self.pool.clone()]);
        counter(OPENED).increment(1);
        gauges.idle.increment(1.0);
        OpenConnection { gauges, closed: counter(CLOSED) }
    }

    /// A call that waits for a connection, to be kept until it has one or gives up.
    #[must_use = "the call counts as served when it is dropped"]
    pub fn waiting(&self) -> WaitingCall {
        let gauge = facade::gauge(PENDING_REQUESTS, vec![self.pool.clone()]);
        gauge.increment(1.0);
        WaitingCall(gauge)
    }
}

#[derive(Debug, Clone)]
struct StateGauges {
    idle: Gauge,
    used: Gauge,
}

/// A connection from its opening to its end, by [`ConnectionMetrics::opened`].
#[derive(Debug)]
pub struct OpenConnection {
    gauges: StateGauges,
    closed: Counter,
}

impl OpenConnection {
    /// The connection in use, until this value is dropped.
    #[must_use = "the connection counts as idle when it is dropped"]
    pub fn used(&self) -> UsedConnection {
        self.gauges.idle.decrement(1.0);
        self.gauges.used.increment(1.0);
        UsedConnection(self.gauges.clone())
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.gauges.idle.decrement(1.0);
        self.closed.increment(1);
    }
}

/// A connection in use, by [`OpenConnection::used`]. It may be dropped after its connection.
#[derive(Debug)]
pub struct UsedConnection(StateGauges);

impl Drop for UsedConnection {
    fn drop(&mut self) {
        self.0.used.decrement(1.0);
        self.0.idle.increment(1.0);
    }
}

/// A call that waits for a connection, by [`ConnectionMetrics::waiting`].
#[derive(Debug)]
pub struct WaitingCall(Gauge);

impl Drop for WaitingCall {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}
