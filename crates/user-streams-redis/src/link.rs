//! One connection to a server, through fred, and what is done when it breaks.
//!
//! fred's client is used in its plainest form: one server, no reconnecting, no redirects. A client
//! that has lost its connection, whose task has ended, or that does not answer any more is thrown
//! away as a whole with all that is queued in it, and the next command makes a new one. Of fred
//! 10.1's own ways out, the reconnecting one leaves commands hanging once its task has ended, and
//! the cluster's one ends that task on an `ASK`; neither is needed here.
//!
//! A connection belongs to the runtime that it was made in, whose tasks serve it: each runtime has
//! its own.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
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
use futures_util::future::{BoxFuture, join_all};
use tokio::{
    runtime::Handle,
    sync::watch,
    task::AbortHandle,
    time::{Instant, timeout, timeout_at},
};
use user_streams_core::ErrorKind;

use crate::{
    command::{Call, Command, Range, rank},
    fault::Fault,
    task::{PerRuntime, Task, runtime},
};

/// How long the failure of an attempt to connect answers for the attempts of others.
const FAILURE_HOLDS: Duration = Duration::from_millis(50);
/// A connection without an answer for so long is checked before it is used: the network may have
/// forgotten it.
const IDLE: Duration = Duration::from_secs(5);
/// The most that such a check takes.
const LONGEST_CHECK: Duration = Duration::from_secs(1);
/// How long a server may take to end a connection in good order.
const GOODBYE: Duration = Duration::from_secs(1);

/// How the connections to a server are made, and what is known of all of them.
pub(crate) struct Connector {
    pub(crate) config: Config,
    pub(crate) connection_timeout: Duration,
    pub(crate) command_timeout: Duration,
    /// Whether the backend was closed, so that no connection is made any more.
    pub(crate) closed: Arc<AtomicBool>,
    /// When a connection was last found dead. Others are checked before use if they have not
    /// answered since.
    pub(crate) doubtful: Mutex<Option<Instant>>,
}

/// A connection that is made when it is needed, and again when it is broken.
pub(crate) struct Link {
    connector: Arc<Connector>,
    states: Mutex<PerRuntime<State>>,
}

enum State {
    Connecting(Task<Result<Arc<Live>, (Instant, Fault)>>),
    Live(Arc<Live>),
}

/// One life of a connection.
struct Live {
    client: Client,
    runtime: Handle,
    /// Ends fred's task, which owns the socket.
    task: AbortHandle,
    /// Closed when that task has ended.
    ended: watch::Receiver<()>,
    /// Set before the task is aborted, which takes a moment.
    dead: AtomicBool,
    /// How many answers have come.
    answers: AtomicU64,
    /// When the last one came, in milliseconds after `since`.
    answered: AtomicU64,
    since: Instant,
    /// Whether a check after a dropped call is under way.
    checking: AtomicBool,
}

impl Link {
    pub(crate) fn new(connector: Arc<Connector>) -> Self {
        Self { connector, states: Mutex::default() }
    }

    /// Sends the commands in one go and gives an answer for each.
    pub(crate) async fn send(
        &self,
        commands: &[&Command],
        deadline: Instant,
    ) -> Vec<Result<Value, Fault>> {
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
        if started >= deadline {
            return Err(Fault::Timeout);
        }
        let live = match timeout_at(deadline, self.live()).await {
            Ok(live) => live?,
            Err(_) => return Err(Fault::Lost("connecting took too long".to_owned())),
        };
        let before = live.answers.load(Ordering::Relaxed);
        let unanswered = Unanswered { live: &live, limit: self.connector.command_timeout };
        let answers = tokio::select! {
            biased;
            answers = timeout_at(deadline, exchange(&live)) => answers.unwrap_or(Err(Fault::Timeout)),
            () = live.ended() => Err(Fault::Lost("the connection was closed".to_owned())),
        };
        match &answers {
            Ok(_) => {
                live.answer();
                unanswered.settle();
            }
            Err(Fault::Timeout) => {
                // Slow is not dead, nor is a command that was given little time: that one is
                // checked.
                let patient = started.elapsed() >= self.connector.command_timeout / 2;
                if patient && live.answers.load(Ordering::Relaxed) == before {
                    unanswered.settle();
                    self.give_up(&live);
                }
            }
            Err(_) => {
                unanswered.settle();
                self.give_up(&live);
            }
        }
        answers
    }

    /// Throws the connection away, for it leads to the wrong server.
    pub(crate) fn reset(&self) {
        self.states().retain(|_, state| matches!(state, State::Connecting(_)));
    }

    /// Ends the connection in good order, if the server lets it; `Connector::closed` was set
    /// before.
    pub(crate) async fn close(&self) {
        let states: Vec<_> = self.states().drain().map(|(_, state)| state).collect();
        let ends = states.iter().map(async |state| match state {
            State::Connecting(task) => task.abort(),
            State::Live(live) => {
                _ = timeout(GOODBYE, live.client.quit()).await;
                live.end();
            }
        });
        join_all(ends).await;
    }

    // Each change is one assignment, which a panic elsewhere cannot leave half done.
    fn states(&self) -> MutexGuard<'_, PerRuntime<State>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends a connection that is dead or broken, and has the others checked.
    fn give_up(&self, live: &Live) {
        live.end();
        *self.connector.doubtful() = Some(Instant::now());
    }

    /// The connection, made now if there is none.
    async fn live(&self) -> Result<Arc<Live>, Fault> {
        loop {
            let connecting = match self.state()? {
                State::Live(live) => {
                    if !self.connector.is_doubtful(&live)
                        || live.check(self.connector.check()).await
                    {
                        return Ok(live);
                    }
                    self.give_up(&live);
                    continue;
                }
                State::Connecting(task) => task,
            };
            let connected = connecting.outcome().await;
            let mut states = self.states();
            let current = matches!(states.get(&runtime()), Some(State::Connecting(task)) if task.is(&connecting));
            match connected {
                Some(Ok(live)) => {
                    if current {
                        states.insert(runtime(), State::Live(live));
                    }
                    // If it is not, another one has put it there, or the backend was closed.
                }
                // Others are told the same for a moment; an old failure says nothing any more.
                Some(Err((at, fault))) if at.elapsed() < FAILURE_HOLDS => return Err(fault),
                Some(Err(_)) | None => {
                    if current {
                        states.remove(&runtime());
                    }
                }
            }
        }
    }

    /// The connection of this runtime, or the attempt to make it, which begins now if it has none.
    fn state(&self) -> Result<State, Fault> {
        let mut states = self.states();
        // Under the lock: what is begun before the backend is closed is found by `close`.
        if self.connector.closed.load(Ordering::SeqCst) {
            return Err(Fault::Refused(ErrorKind::Connection, "the backend was closed".to_owned()));
        }
        match states.get(&runtime()) {
            Some(State::Live(live)) if live.is_usable() => {
                return Ok(State::Live(Arc::clone(live)));
            }
            Some(State::Connecting(task)) => return Ok(State::Connecting(task.clone())),
            _ => {}
        }
        // Those of runtimes that have ended.
        states.retain(|_, state| match state {
            State::Live(live) => live.is_usable(),
            State::Connecting(task) => !task.is_finished(),
        });
        let connector = Arc::clone(&self.connector);
        let task = Task::spawn(async move {
            let connected = Live::connect(&connector).await;
            connected.map(Arc::new).map_err(|fault| (Instant::now(), fault))
        });
        states.insert(runtime(), State::Connecting(task.clone()));
        Ok(State::Connecting(task))
    }
}

impl Connector {
    fn doubtful(&self) -> MutexGuard<'_, Option<Instant>> {
        self.doubtful.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_doubtful(&self, live: &Live) -> bool {
        let answered = live.since + Duration::from_millis(live.answered.load(Ordering::Relaxed));
        answered.elapsed() >= IDLE || self.doubtful().is_some_and(|since| answered < since)
    }

    /// How long a check may take.
    fn check(&self) -> Duration {
        LONGEST_CHECK.min(self.command_timeout / 4)
    }
}

/// A call whose answer has not come. If it ends so, because the caller has dropped it, it cannot
/// tell whether the connection is dead; so a task finds out, or callers who are less patient than
/// the library would meet a dead one for ever.
struct Unanswered<'a> {
    live: &'a Arc<Live>,
    limit: Duration,
}

impl Unanswered<'_> {
    fn settle(self) {
        std::mem::forget(self);
    }
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        if !self.live.checking.swap(true, Ordering::Relaxed) {
            let (live, client) = (Arc::downgrade(self.live), self.live.client.clone());
            self.live.runtime.spawn(check(live, client, self.live.ended.clone(), self.limit));
        }
    }
}

/// Ends a connection that does not answer. Does not keep one that is not needed any more.
async fn check(live: Weak<Live>, client: Client, mut ended: watch::Receiver<()>, limit: Duration) {
    let answered = tokio::select! {
        answered = timeout(limit, Live::ping(&client)) => answered.unwrap_or(false),
        _ = ended.changed() => false,
    };
    let Some(live) = live.upgrade() else { return };
    if answered {
        live.answer();
        live.checking.store(false, Ordering::Relaxed);
    } else {
        live.end();
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connected = |state: &State| matches!(state, State::Live(live) if live.is_usable());
        let connected = self.states().values().any(connected);
        f.debug_struct("Link").field("connected", &connected).finish_non_exhaustive()
    }
}

impl Live {
    async fn connect(connector: &Connector) -> Result<Self, Fault> {
        let connection = ConnectionConfig {
            connection_timeout: connector.connection_timeout,
            internal_command_timeout: connector.connection_timeout,
            // Whether to send a command again is decided by the caller, who knows how much time is
            // left.
            max_command_attempts: 1,
            tcp: TcpConfig {
                nodelay: Some(true),
                // What has not left this machine when a connection is given up does not leave it
                // later.
                linger: Some(Duration::ZERO),
                ..TcpConfig::default()
            },
            ..ConnectionConfig::default()
        };
        let client = Client::new(connector.config.clone(), None, Some(connection), None);
        let mut task = client.connect();
        let (end, ended) = watch::channel(());
        let live = Self {
            client,
            runtime: Handle::current(),
            task: task.abort_handle(),
            ended,
            dead: AtomicBool::new(false),
            answers: AtomicU64::new(0),
            answered: AtomicU64::new(0),
            since: Instant::now(),
            checking: AtomicBool::new(false),
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
        live.answer();
        Ok(live)
    }

    fn check_version(&self) -> Result<(), Fault> {
        match self.client.server_version() {
            Some(version) if (version.major, version.minor) < (6, 2) => Err(Fault::Refused(
                ErrorKind::InvalidSettings,
                format!(
                    "the server is Redis {}.{}: at least 6.2 is needed",
                    version.major, version.minor
                ),
            )),
            // A server that does not tell is trusted.
            _ => Ok(()),
        }
    }

    fn is_usable(&self) -> bool {
        !self.dead.load(Ordering::Relaxed) && !self.task.is_finished()
    }

    /// Closes the socket. Whoever waits for an answer is told.
    fn end(&self) {
        self.dead.store(true, Ordering::Relaxed);
        self.task.abort();
    }

    /// Notes that an answer has come.
    fn answer(&self) {
        self.answers.fetch_add(1, Ordering::Relaxed);
        let elapsed = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.answered.store(elapsed, Ordering::Relaxed);
    }

    /// Whether the server answers within a limit.
    async fn check(&self, limit: Duration) -> bool {
        let answered = tokio::select! {
            answered = timeout(limit, Self::ping(&self.client)) => answered.unwrap_or(false),
            () = self.ended() => false,
        };
        if answered {
            self.answer();
        }
        answered
    }

    /// Whether there is an answer, whichever.
    async fn ping(client: &Client) -> bool {
        Self::answer_of(call(client, &Command::to_server("PING", Vec::new())).await).is_ok()
    }

    /// The outer error is that of the connection, the inner one the server's.
    async fn ask(&self, command: &Command) -> Result<Result<Value, Fault>, Fault> {
        Self::answer_of(call(&self.client, command).await)
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
        let answers: Vec<_> = answers.into_iter().map(Self::answer_of).collect::<Result<_, _>>()?;
        if answers.len() != commands.len() {
            return Err(Fault::Lost("the connection was closed amid the answers".to_owned()));
        }
        Ok(answers)
    }

    fn answer_of(answer: Result<Value, fred::error::Error>) -> Result<Result<Value, Fault>, Fault> {
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

/// Tells fred. Boxed, since the futures around it would nest deeper than the compiler goes by
/// default.
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
                Range::Down(from, limit) => (
                    score(from),
                    bound(ZRangeBound::NegInfiniteScore),
                    true,
                    Some((0, rank(limit))),
                ),
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
