//! Makes the connections to one server.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use fred::{
    clients::Client,
    interfaces::ClientLike,
    types::config::{Config, ConnectionConfig, PerformanceConfig, TcpConfig},
};
use tokio::time::{Instant, timeout};
use user_streams_core::{
    ErrorKind,
    backend::{ConnectionMetrics, WaitingCall},
};

use crate::{
    client::connection::Connection,
    config::{Limits, NAME},
    error::Fault,
};

/// A connection that received nothing for so long is checked before use: a firewall may have
/// dropped it silently.
const CHECK_AFTER_IDLE: Duration = Duration::from_secs(5);
const MAX_CHECK_TIMEOUT: Duration = Duration::from_secs(1);

/// What the connections to one server have in common.
pub(crate) struct Connector {
    config: Config,
    limits: Limits,
    /// Whether the backend was closed; no connection is made any more.
    closed: Arc<AtomicBool>,
    /// When a connection was last found dead. The others are checked before use unless they have
    /// received something since.
    suspect_since: Mutex<Option<Instant>>,
    /// Whether the server was found to be older than Redis 7.
    is_before_7: AtomicBool,
    metrics: ConnectionMetrics,
}

impl Connector {
    pub(crate) fn new(config: Config, limits: Limits, closed: Arc<AtomicBool>) -> Self {
        let metrics = ConnectionMetrics::new(NAME);
        Self {
            config,
            limits,
            closed,
            suspect_since: Mutex::default(),
            is_before_7: AtomicBool::new(false),
            metrics,
        }
    }

    pub(crate) async fn connect(&self) -> Result<Connection, Fault> {
        self.connect_with(None).await
    }

    /// A connection of which up to so many messages wait to be received.
    pub(crate) async fn connect_for_messages(&self, waiting: usize) -> Result<Connection, Fault> {
        let performance =
            PerformanceConfig { broadcast_channel_capacity: waiting, ..Default::default() };
        self.connect_with(Some(performance)).await
    }

    async fn connect_with(
        &self,
        performance: Option<PerformanceConfig>,
    ) -> Result<Connection, Fault> {
        let options = ConnectionConfig {
            connection_timeout: self.limits.connect_timeout,
            internal_command_timeout: self.limits.connect_timeout,
            // Retries are the executor's: it knows how much time is left.
            max_command_attempts: 1,
            tcp: TcpConfig {
                nodelay: Some(true),
                // When a connection is discarded, what has not left this machine is not sent later.
                linger: Some(Duration::ZERO),
                ..TcpConfig::default()
            },
            ..ConnectionConfig::default()
        };
        let client = Client::new(self.config.clone(), performance, Some(options), None);
        let mut task = client.connect();
        // Before the first wait, so that dropping this future aborts fred's task.
        let (connection, on_end) = Connection::new(client.clone(), task.abort_handle());
        let connected = timeout(self.limits.connect_timeout, async {
            tokio::select! {
                biased;
                result = &mut task => match result {
                    Ok(Err(error)) => Err(Fault::of(&error)),
                    _ => Err(Fault::Lost("the connection was closed".to_owned())),
                },
                result = client.wait_for_connect() => result.map_err(|error| Fault::of(&error)),
            }
        });
        match connected.await {
            Ok(connected) => connected?,
            Err(_) => return Err(Fault::Lost("connecting took too long".to_owned())),
        }
        let open = self.metrics.opened();
        tokio::spawn(async move {
            // All calls share it, so it is never idle.
            let _used = open.used();
            _ = task.await;
            drop(on_end);
        });
        check_version(&client)?;
        self.is_before_7.store(is_before_7(&client), Ordering::Relaxed);
        connection.note_reply();
        Ok(connection)
    }

    /// A call that waits for a connection to be made.
    pub(crate) fn waiting(&self) -> WaitingCall {
        self.metrics.waiting()
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// Whether the server is known to have no sharded channels.
    pub(crate) fn is_before_7(&self) -> bool {
        self.is_before_7.load(Ordering::Relaxed)
    }

    pub(crate) fn operation_timeout(&self) -> Duration {
        self.limits.operation_timeout
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// Has the other connections checked: one was found dead.
    pub(crate) fn suspect_all(&self) {
        *self.suspect_since() = Some(Instant::now());
    }

    /// Checks a connection that idled, or that may have died with another one.
    pub(crate) async fn is_alive(&self, connection: &Connection) -> bool {
        let last_reply = connection.last_reply();
        let is_suspect = last_reply.elapsed() >= CHECK_AFTER_IDLE
            || self.suspect_since().is_some_and(|since| last_reply < since);
        !is_suspect
            || connection.ping(MAX_CHECK_TIMEOUT.min(self.limits.operation_timeout / 4)).await
    }

    fn suspect_since(&self) -> MutexGuard<'_, Option<Instant>> {
        self.suspect_since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Without the configuration, which has a password.
impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// Whether the server says that it is older than Redis 7.
pub(crate) fn is_before_7(client: &Client) -> bool {
    client.server_version().is_some_and(|version| version.major < 7)
}

/// Refuses a server that is too old. One that does not report its version is trusted.
pub(crate) fn check_version(client: &Client) -> Result<(), Fault> {
    match client.server_version() {
        Some(version) if (version.major, version.minor) < (6, 2) => {
            let (major, minor) = (version.major, version.minor);
            let message = format!("the server is Redis {major}.{minor}: at least 6.2 is needed");
            Err(Fault::Refused(ErrorKind::InvalidSettings, message))
        }
        _ => Ok(()),
    }
}
