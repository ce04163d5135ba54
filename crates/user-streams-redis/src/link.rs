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
    interfaces::{ClientLike, SortedSetsInterface},
    types::{
        ClusterHash, CustomCommand, FromValue, Value,
        config::{Config, ConnectionConfig, TcpConfig},
        sorted_sets::{ZRange, ZRangeBound, ZRangeKind, ZSort},
    },
};
use futures_util::future::BoxFuture;
use tokio::{
    sync::{Mutex as AsyncMutex, watch},
    task::AbortHandle,
    time::{Instant, timeout, timeout_at},
};
use user_streams_core::ErrorKind;

use crate::{
    command::{Call, Command, Range, rank},
    fault::Fault,
};

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
    /// How many answers have come.
    answers: AtomicU64,
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
        let answers = self.exchange(deadline, async |live| live.send(commands).await).await;
        answers.unwrap_or_else(|fault| vec![Err(fault); commands.len()])
    }

    /// Sends one command.
    pub(crate) async fn ask(&self, command: &Command, deadline: Instant) -> Result<Value, Fault> {
        self.exchange(deadline, async |live| live.ask(command).await).await?
    }

    async fn exchange<T>(
        &self,
        deadline: Instant,
        exchange: impl AsyncFnOnce(&Live) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let started = Instant::now();
        let live = match timeout_at(deadline, self.live()).await {
            Ok(live) => live?,
            Err(_) => return Err(Fault::Lost("connecting took too long".to_owned())),
        };
        let before = live.answers.load(Ordering::Relaxed);
        let answers = tokio::select! {
            biased;
            answers = timeout_at(deadline, exchange(&live)) => answers.unwrap_or(Err(Fault::Timeout)),
            () = live.ended() => Err(Fault::Lost("the connection was closed".to_owned())),
        };
        match &answers {
            Ok(_) => _ = live.answers.fetch_add(1, Ordering::Relaxed),
            Err(Fault::Timeout) => {
                // Slow is not dead, nor is a command that was given little time.
                let patient = started.elapsed() >= self.connector.command_timeout / 2;
                if patient && live.answers.load(Ordering::Relaxed) == before {
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
        let client = Client::new(connector.config.clone(), None, Some(connection), None);
        let mut task = client.connect();
        let (end, ended) = watch::channel(());
        let live = Self { client, task: task.abort_handle(), ended, answers: AtomicU64::new(0) };
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

    /// The outer error is that of the connection, the inner one the server's.
    async fn ask(&self, command: &Command) -> Result<Result<Value, Fault>, Fault> {
        Self::answer(call(&self.client, command).await)
    }

    async fn send(&self, commands: &[&Command]) -> Result<Vec<Result<Value, Fault>>, Fault> {
        if let [command] = commands {
            return Ok(vec![self.ask(command).await?]);
        }
        let pipeline = self.client.pipeline();
        for command in commands {
            let queued: Result<(), _> = call(&pipeline, command).await;
            queued.map_err(|error| Fault::of(&error))?;
        }
        let answers: Vec<Result<Value, fred::error::Error>> = pipeline.try_all().await;
        // What befalls the connection befalls every command; fred may give it for one alone.
        let answers: Vec<_> = answers.into_iter().map(Self::answer).collect::<Result<_, _>>()?;
        if answers.len() != commands.len() {
            return Err(Fault::Lost("the connection was closed amid the answers".to_owned()));
        }
        Ok(answers)
    }

    fn answer(answer: Result<Value, fred::error::Error>) -> Result<Result<Value, Fault>, Fault> {
        match answer.map_err(|error| Fault::of(&error)) {
            Err(fault @ (Fault::Lost(_) | Fault::Timeout)) => Err(fault),
            answer => Ok(answer),
        }
    }

    async fn ended(&self) {
        // Nothing is ever sent: an error says that the sender is gone.
        _ = self.ended.clone().changed().await;
    }
}

/// Tells fred. Boxed, since the futures around it would nest deeper than the compiler goes by default.
fn call<'a, C, T>(client: &'a C, command: &Command) -> BoxFuture<'a, Result<T, fred::error::Error>>
where
    C: ClientLike + SortedSetsInterface + Sync,
    T: FromValue + 'a,
{
    match &command.call {
        Call::Any(name, args) => {
            let custom = CustomCommand::new_static(name, ClusterHash::FirstKey, false);
            Box::pin(client.custom(custom, args.clone()))
        }
        Call::Range(key, range) => {
            let bound = |range| ZRange { kind: ZRangeKind::Inclusive, range };
            let score = |score: i64| bound(ZRangeBound::Score(score as f64));
            let (from, to, newest_first, limit) = match *range {
                Range::Ranks(first, last) => {
                    let index = |number| bound(ZRangeBound::Index(rank(number)));
                    (index(first), index(last), true, None)
                }
                Range::Down(from, limit) => {
                    (score(from), bound(ZRangeBound::NegInfiniteScore), true, Some((0, rank(limit))))
                }
                Range::Up(from, limit) => {
                    (score(from), bound(ZRangeBound::InfiniteScore), false, Some((0, rank(limit))))
                }
            };
            let sort = limit.map(|_| ZSort::ByScore);
            Box::pin(client.zrange(key.clone(), from, to, sort, newest_first, limit, false))
        }
    }
}

/// fred's task would keep the socket open.
impl Drop for Live {
    fn drop(&mut self) {
        self.task.abort();
    }
}
