//! One connection to a server, through fred, and what is done when it breaks.
//!
//! fred's client is used in its plainest form: one server, no reconnecting, no redirects. A client that has lost its
//! connection, whose task has ended, or that does not answer any more is thrown away as a whole with all that is queued in
//! it, and the next command makes a new one. Of fred 10.1's own ways out, the reconnecting one leaves commands hanging
//! once its task has ended, and the cluster's one ends that task on an `ASK`; neither is needed here.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use fred::{
    clients::Client,
    interfaces::ClientLike,
    types::{
        ClusterHash, CustomCommand, Value,
        config::{Config, ConnectionConfig, PerformanceConfig, TcpConfig},
    },
};
use tokio::{
    sync::{Mutex as AsyncMutex, watch},
    task::AbortHandle,
    time::{Instant, timeout, timeout_at},
};
use user_streams_core::ErrorKind;

use crate::{command::Command, fault::Fault};

/// How long the failure of an attempt to connect answers for the attempts of others.
const FAILURE_HOLDS: Duration = Duration::from_millis(50);

/// How a connection is made.
pub(crate) struct Connector {
    pub(crate) config: Config,
    pub(crate) connection_timeout: Duration,
    pub(crate) command_timeout: Duration,
}

/// A connection that is made when it is needed, and again when it is broken.
pub(crate) struct Link {
    connector: Arc<Connector>,
    live: Mutex<Option<Arc<Live>>>,
    /// Held by the one task that connects; within, the last failure.
    connecting: AsyncMutex<Option<(Instant, Fault)>>,
    closed: AtomicBool,
}

/// One life of a connection.
struct Live {
    client: Client,
    /// Ends fred's task, which owns the socket.
    task: AbortHandle,
    /// Closed when that task has ended.
    ended: watch::Receiver<()>,
    born: Instant,
    /// When the last answer came, in milliseconds after birth.
    answered: AtomicU64,
}

impl Link {
    pub(crate) fn new(connector: Arc<Connector>) -> Self {
        Self {
            connector,
            live: Mutex::default(),
            connecting: AsyncMutex::default(),
            closed: AtomicBool::new(false),
        }
    }

    /// Sends the commands in one go and gives an answer for each.
    pub(crate) async fn send(&self, commands: &[&Command], deadline: Instant) -> Vec<Result<Value, Fault>> {
        let answers = self.try_send(commands, deadline).await;
        answers.unwrap_or_else(|fault| vec![Err(fault); commands.len()])
    }

    async fn try_send(
        &self,
        commands: &[&Command],
        deadline: Instant,
    ) -> Result<Vec<Result<Value, Fault>>, Fault> {
        let started = Instant::now();
        let live = match timeout_at(deadline, self.live()).await {
            Ok(live) => live?,
            Err(_) => return Err(Fault::Lost("connecting took too long".to_owned())),
        };
        let sent = Instant::now();
        let answers = tokio::select! {
            biased;
            answers = timeout_at(deadline, live.send(commands)) => answers.unwrap_or(Err(Fault::Timeout)),
            () = live.ended() => Err(Fault::Lost("the connection was closed".to_owned())),
        };
        match &answers {
            Ok(_) => live.has_answered(),
            Err(Fault::Timeout) => {
                // Slow is not dead, nor is a command that was given little time.
                let patient = started.elapsed() >= self.connector.command_timeout / 2;
                if patient && live.silent_since(sent) {
                    self.discard(&live);
                }
            }
            Err(_) => self.discard(&live),
        }
        answers
    }

    /// Throws the connection away, for it leads to the wrong server.
    pub(crate) fn reset(&self) {
        *self.current() = None;
    }

    /// Ends the connection in good order; none is made any more.
    pub(crate) async fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        let live = self.current().take();
        if let Some(live) = live {
            // Whatever comes of it, the task is aborted when `live` goes.
            _ = timeout(self.connector.connection_timeout, live.client.quit()).await;
        }
    }

    fn current(&self) -> MutexGuard<'_, Option<Arc<Live>>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn usable(&self) -> Option<Arc<Live>> {
        self.current().as_ref().filter(|live| !live.task.is_finished()).cloned()
    }

    fn discard(&self, live: &Arc<Live>) {
        self.current().take_if(|current| Arc::ptr_eq(current, live));
    }

    /// The connection, made now if there is none.
    async fn live(&self) -> Result<Arc<Live>, Fault> {
        if let Some(live) = self.usable() {
            return Ok(live);
        }
        let mut failure = self.connecting.lock().await;
        if let Some(live) = self.usable() {
            return Ok(live);
        }
        if self.closed.load(Ordering::Relaxed) {
            return Err(Fault::Refused(ErrorKind::Connection, "the backend was closed".to_owned()));
        }
        if let Some((at, fault)) = &*failure
            && at.elapsed() < FAILURE_HOLDS
        {
            return Err(fault.clone());
        }
        match Live::connect(&self.connector).await {
            Ok(live) => {
                let live = Arc::new(live);
                *self.current() = Some(Arc::clone(&live));
                *failure = None;
                Ok(live)
            }
            Err(fault) => {
                *failure = Some((Instant::now(), fault.clone()));
                Err(fault)
            }
        }
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("connected", &self.usable().is_some()).finish_non_exhaustive()
    }
}

impl Live {
    async fn connect(connector: &Connector) -> Result<Self, Fault> {
        let connection = ConnectionConfig {
            connection_timeout: connector.connection_timeout,
            internal_command_timeout: connector.connection_timeout,
            // Whether to send a command again is decided by the caller, who knows how much time is left.
            max_command_attempts: 1,
            tcp: TcpConfig { nodelay: Some(true), ..TcpConfig::default() },
            ..ConnectionConfig::default()
        };
        let performance = PerformanceConfig {
            default_command_timeout: connector.command_timeout,
            ..PerformanceConfig::default()
        };
        let client = Client::new(connector.config.clone(), Some(performance), Some(connection), None);
        let mut task = client.connect();
        let (end, ended) = watch::channel(());
        let live = Self {
            client,
            task: task.abort_handle(),
            ended,
            born: Instant::now(),
            answered: AtomicU64::new(0),
        };
        let connected = timeout(connector.connection_timeout, async {
            tokio::select! {
                biased;
                result = &mut task => match result {
                    Ok(Err(error)) => Err(Fault::of(&error)),
                    _ => Err(Fault::Lost("the connection was closed".to_owned())),
                },
                result = live.client.wait_for_connect() => result.map_err(|error| Fault::of(&error)),
            }
        });
        match connected.await {
            Ok(connected) => connected?,
            Err(_) => return Err(Fault::Lost("connecting took too long".to_owned())),
        }
        tokio::spawn(async move {
            _ = task.await;
            drop(end);
        });
        live.check_version()?;
        Ok(live)
    }

    fn check_version(&self) -> Result<(), Fault> {
        match self.client.server_version() {
            Some(version) if (version.major, version.minor) < (6, 2) => Err(Fault::Refused(
                ErrorKind::InvalidSettings,
                format!("the server is Redis {}.{}: at least 6.2 is needed", version.major, version.minor),
            )),
            // A server that does not tell is trusted.
            _ => Ok(()),
        }
    }

    async fn send(&self, commands: &[&Command]) -> Result<Vec<Result<Value, Fault>>, Fault> {
        let custom =
            |command: &Command| CustomCommand::new_static(command.name, ClusterHash::FirstKey, false);
        let answers: Vec<Result<Value, fred::error::Error>> = if let [command] = commands {
            vec![self.client.custom(custom(command), command.args.clone()).await]
        } else {
            let pipeline = self.client.pipeline();
            for command in commands {
                let queued: Result<(), _> = pipeline.custom(custom(command), command.args.clone()).await;
                queued.map_err(|error| Fault::of(&error))?;
            }
            pipeline.try_all().await
        };
        let answers: Vec<_> =
            answers.into_iter().map(|answer| answer.map_err(|error| Fault::of(&error))).collect();
        // What befalls the connection befalls every command; fred may give it for one alone.
        for answer in &answers {
            if let Err(fault @ (Fault::Lost(_) | Fault::Timeout)) = answer {
                return Err(fault.clone());
            }
        }
        if answers.len() != commands.len() {
            return Err(Fault::Lost("the connection was closed amid the answers".to_owned()));
        }
        Ok(answers)
    }

    async fn ended(&self) {
        // Nothing is ever sent: an error says that the sender is gone.
        _ = self.ended.clone().changed().await;
    }

    fn has_answered(&self) {
        self.answered.store(self.age(Instant::now()), Ordering::Relaxed);
    }

    fn silent_since(&self, instant: Instant) -> bool {
        self.answered.load(Ordering::Relaxed) <= self.age(instant)
    }

    fn age(&self, at: Instant) -> u64 {
        at.saturating_duration_since(self.born).as_millis().try_into().unwrap_or(u64::MAX)
    }
}

/// fred's task would keep the socket open.
impl Drop for Live {
    fn drop(&mut self) {
        self.task.abort();
    }
}
