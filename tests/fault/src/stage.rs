//! What a trial happens on: the library on a place of its own, its proxy, its judge and its ledger.

use std::{
    any::Any,
    net::SocketAddr,
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result};
use futures_util::{FutureExt, future::join_all};
use sea_orm::DatabaseConnection;
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep, sleep_until, timeout},
};
use user_streams_core::{Add, Error, Recipients, StreamItem, Streams};

use crate::{
    cell::Engine,
    judge::{Judge, judge},
    ledger::{Item, Ledger, lock, parse},
    proxy::Proxy,
    tally::{TOLERANCE, Tally},
    trial::Trial,
};

pub(crate) use crate::place::{Limits, Place};

/// How long the library may take to be well again, and the server to let go.
pub(crate) const RECOVERY: Duration = Duration::from_secs(2);
/// How long closing may take.
const CLOSE: Duration = Duration::from_secs(5);
/// How much longer than its bound a call is waited for, so that one that never ends does not end the trial.
const CAP: Duration = Duration::from_secs(4);
/// Sessions above `max_connections` that are allowed.
const SPARE: usize = 2;
/// How many failures are told in words.
const TOLD: usize = 4;

/// What a trial asks of its stage.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options {
    pub(crate) limits: Limits,
    /// Over a pool that is the application's.
    pub(crate) over_a_pool: bool,
    pub(crate) text_ids: bool,
    /// The server ends sessions that idle so long. On MariaDB the setting is the server's, until it is set back.
    pub(crate) idle_seconds: Option<u32>,
}

/// From when on a failure is wrong: of calls that begin after `recovered` and fail after `grace` more.
#[derive(Clone, Copy, Debug)]
struct Expectation {
    recovered: Instant,
    grace: Duration,
}

/// The library under trial.
pub(crate) struct Stage {
    pub(crate) place: Place,
    pub(crate) streams: Streams,
    /// The application's pool, if there is one.
    pub(crate) pool: Option<DatabaseConnection>,
    pub(crate) ledger: Ledger,
    pub(crate) judge: Box<dyn Judge>,
    proxy: Option<Proxy>,
    pub(crate) tally: Mutex<Tally>,
    expectation: Mutex<Option<Expectation>>,
    /// When a call was last given up: by its timeout, or by its caller.
    given_up: Mutex<Option<Instant>>,
    done: AtomicBool,
    /// How many loads were started.
    pub(crate) loads: AtomicI64,
    /// How many pools there are beside the first, in other processes, or whose end the server does not hear of.
    pub(crate) other_pools: AtomicUsize,
}

static NEXT: AtomicU64 = AtomicU64::new(1);

impl Stage {
    /// A new place with its tables, and the library on it.
    pub(crate) async fn open(trial: &Trial, options: Options) -> Result<Arc<Self>> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let cell = trial.cell;
        let (user, table) = (format!("f{number}"), format!("t{number}"));
        let file = trial.directory.join(format!("{table}.db"));
        let server_url = match &trial.url {
            Some(url) => url.clone(),
            None => format!("sqlite://{}?mode=rwc", file.display()),
        };
        let mut place = Place {
            engine: cell.engine,
            layout: cell.layout,
            url: server_url.clone(),
            server_url,
            table,
            user,
            text_ids: options.text_ids,
            limits: options.limits,
        };
        let proxy = match server_address(&place)? {
            Some(address) => Some(Proxy::listen(address).await?),
            None => None,
        };
        if let Some(proxy) = &proxy {
            place.url = match place.engine {
                Engine::Postgres => format!("postgres://{}@{}/postgres", place.user, proxy.address),
                Engine::Mysql => format!("mysql://{}@{}/user_streams", place.user, proxy.address),
                _ => format!("redis://{}", proxy.address),
            };
        }
        let judge = judge(&place);
        for sql in create_user(&place) {
            judge.execute(&sql).await.context("cannot make the library's user")?;
        }
        if let Some(seconds) = options.idle_seconds {
            let sql = match place.engine {
                Engine::Postgres => {
                    format!("ALTER ROLE {} SET idle_session_timeout = '{seconds}s'", place.user)
                }
                _ => format!("SET GLOBAL wait_timeout = {seconds}"),
            };
            judge.execute(&sql).await.context("cannot limit idle sessions")?;
        }
        let (streams, pool) = if options.over_a_pool {
            let (streams, pool) = place.over_a_pool().await?;
            (streams, Some(pool))
        } else {
            (place.streams().await?, None)
        };
        if cell.engine.is_sql() {
            streams.migrate().await.context("cannot migrate")?;
        }
        Ok(Arc::new(Self {
            place,
            streams,
            pool,
            ledger: Ledger::new(cell.engine.is_sql()),
            judge,
            proxy,
            tally: Mutex::default(),
            expectation: Mutex::default(),
            given_up: Mutex::default(),
            done: AtomicBool::new(false),
            loads: AtomicI64::new(0),
            other_pools: AtomicUsize::new(0),
        }))
    }

    /// The proxy before the server.
    pub(crate) fn proxy(&self) -> Result<&Proxy> {
        self.proxy.as_ref().context("this cell has no proxy")
    }

    /// From now on no call that begins may fail.
    pub(crate) fn expect_success(&self) {
        self.expect(Duration::ZERO);
    }

    /// The fault is over: calls may fail for a while yet.
    pub(crate) fn recovered(&self) {
        self.expect(RECOVERY);
    }

    fn expect(&self, grace: Duration) {
        *lock(&self.expectation) = Some(Expectation { recovered: Instant::now(), grace });
    }

    /// A call was dropped.
    pub(crate) fn gave_up(&self) {
        *lock(&self.given_up) = Some(Instant::now());
    }

    /// Notes what is wrong.
    pub(crate) fn problem(&self, what: impl Into<String>) {
        lock(&self.tally).problem(what);
    }

    /// The add of an item, not yet awaited.
    pub(crate) fn start(&self, item: &Item) -> Add {
        self.ledger.begin(item.number);
        if item.first == item.last {
            return self.streams.add_stream_item(self.place.user_id(item.first), item.new_item());
        }
        let place = self.place.clone();
        let users = item.users().map(move |user| place.user_id(user));
        self.streams.add_stream_item(Recipients::iter(users), item.new_item())
    }

    /// Adds an item, and tells whether it was acknowledged.
    pub(crate) async fn add(&self, item: &Item) -> bool {
        let limits = self.place.limits;
        let bound = if item.recipients() > self.place.chunk() { limits.broadcast } else { limits.statement };
        let added = self.call("an add", bound, self.start(item).into_future()).await;
        if let Some(delivery) = &added {
            self.ledger.acknowledge(item.number, delivery.delivered);
        }
        added.is_some()
    }

    /// The newest items of a user, each of which must be for that user.
    pub(crate) async fn read(&self, user: i64) -> Option<Vec<u64>> {
        let items = self.streams.get_stream_items(self.place.user_id(user)).slice(..30);
        let read = async { items.await };
        let page = self.call("a read", self.place.limits.statement, read).await?;
        Some(self.check(user, &page))
    }

    /// The number of a user's items.
    pub(crate) async fn count(&self, user: i64) -> Option<u64> {
        let items = self.streams.get_stream_items(self.place.user_id(user));
        let count = self.call("a count", self.place.limits.statement, items.len()).await?;
        Some(count as u64)
    }

    /// The numbers of the items of a page; what is wrong with it is noted.
    pub(crate) fn check(&self, user: i64, page: &[StreamItem]) -> Vec<u64> {
        let mut numbers = Vec::with_capacity(page.len());
        for item in page {
            match parse(&item.content) {
                Some((number, users)) if users.contains(&user) => {
                    if numbers.contains(&number) {
                        self.wrong(
                            |tally| &mut tally.duplicated,
                            format!("a page of {user} has #{number} twice"),
                        );
                    }
                    numbers.push(number);
                }
                _ => self.foreign(format!("a page of user {user} has {:?}", item.content)),
            }
        }
        numbers
    }

    /// An answer that belongs to another call.
    pub(crate) fn foreign(&self, what: String) {
        self.wrong(|tally| &mut tally.foreign, what);
    }

    fn wrong(&self, figure: impl Fn(&mut Tally) -> &mut u64, what: String) {
        let mut tally = lock(&self.tally);
        *figure(&mut tally) += 1;
        if tally.problems.len() < 2 * TOLD {
            tally.problem(what);
        }
    }

    /// Waits for a call within its bound and a little more; a failure that should not be is noted.
    pub(crate) async fn call<T>(
        &self,
        what: &str,
        bound: Duration,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Option<T> {
        let began = Instant::now();
        let ended = timeout(bound + CAP, AssertUnwindSafe(call).catch_unwind()).await;
        let (now, took) = (Instant::now(), began.elapsed());
        {
            let mut tally = lock(&self.tally);
            tally.call(took, bound);
            if took > bound + TOLERANCE {
                tally.over += 1;
                if tally.over as usize <= TOLD {
                    let (took, bound) = (took.as_secs_f64(), bound.as_secs_f64());
                    tally.problem(format!("{what} took {took:.2} s; its bound is {bound:.1} s"));
                }
            }
        }
        let failure = match ended {
            Ok(Ok(Ok(done))) => return Some(done),
            Ok(Ok(Err(error))) => format!("{:?}: {error}", error.kind()),
            Ok(Err(panic)) => {
                // Rows of another shape than what was asked for.
                self.foreign(format!("{what} panicked: {}", panic_message(&*panic)));
                "it panicked".to_owned()
            }
            Err(_) => "it never ended".to_owned(),
        };
        // A session may live on.
        self.gave_up();
        let expected = *lock(&self.expectation);
        if let Some(Expectation { recovered, grace }) = expected
            && began >= recovered
            && now >= recovered + grace
        {
            let mut tally = lock(&self.tally);
            tally.late += 1;
            if tally.late as usize <= TOLD {
                let after = (now - recovered).as_secs_f64();
                tally.problem(format!("{what} failed {after:.1} s after the recovery: {failure}"));
            }
        }
        None
    }

    /// Looks at the sessions on the server all the time.
    pub(crate) fn watch(self: &Arc<Self>) -> JoinHandle<()> {
        let stage = Arc::clone(self);
        tokio::spawn(async move {
            let mut before = 0;
            while !stage.done.load(Ordering::Relaxed) {
                let limit = stage.most_sessions();
                // The server may be down.
                if let Ok(Ok(sessions)) = timeout(Duration::from_secs(1), stage.judge.sessions()).await {
                    // One that has been closed may be there for a moment yet.
                    let too_many = sessions.all.min(before).saturating_sub(limit) as u64;
                    let mut tally = lock(&stage.tally);
                    if too_many > tally.too_many {
                        tally.too_many = too_many;
                    }
                    before = sessions.all;
                }
                sleep(Duration::from_millis(60)).await;
            }
        })
    }

    /// The end of a trial: sessions, slots, closing, and what is stored.
    pub(crate) async fn finish(self: &Arc<Self>) -> Result<Tally> {
        self.check_sessions().await?;
        self.check_slots().await?;
        self.done.store(true, Ordering::Relaxed);
        self.close().await;
        let stored = self.judge.stored().await.context("the judge cannot read")?;
        let mut tally = lock(&self.tally).clone();
        tally.acknowledged = self.ledger.acknowledged();
        tally.opened = self.proxy.as_ref().map_or(0, Proxy::accepted);
        self.ledger.judge(&stored, &mut tally);
        if tally.too_many > 0 {
            let limit = self.most_sessions();
            tally.problem(format!("{} sessions more than {limit} at once", tally.too_many));
        }
        Ok(tally)
    }

    /// Nothing of ours works, waits or holds a lock any more some time after the last call was given up.
    pub(crate) async fn check_sessions(&self) -> Result<()> {
        let given_up = *lock(&self.given_up);
        let deadline = given_up.unwrap_or_else(Instant::now) + RECOVERY;
        // What ends this very moment is seen once.
        let deadline = deadline.max(Instant::now() + Duration::from_millis(300));
        loop {
            let busy = self.judge.sessions().await.context("the judge cannot count sessions")?.busy;
            if busy.is_empty() {
                return Ok(());
            }
            if Instant::now() > deadline {
                let mut tally = lock(&self.tally);
                tally.left += busy.len() as u64;
                let count = busy.len();
                tally.problem(format!(
                    "{count} sessions still run a statement or hold a lock: {}",
                    busy.join("; ")
                ));
                return Ok(());
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// As many calls as there are connections are held on the server at once, and then answer at once.
    async fn check_slots(self: &Arc<Self>) -> Result<()> {
        let connections = self.place.limits.connections as usize;
        self.expect_success();
        if !self.place.engine.is_sql_server() {
            return self.check_many_calls().await;
        }
        let table = &self.place.table;
        let mut session = self.judge.session().await?;
        let lock_table = match self.place.engine {
            Engine::Postgres => format!("BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"),
            _ => format!("LOCK TABLES {table} WRITE"),
        };
        let Ok(locked) = timeout(CLOSE, session.execute(&lock_table)).await else {
            self.problem("a session that was left keeps others from locking the table");
            return Ok(());
        };
        locked?;
        let calls: Vec<_> = (0..connections)
            .map(|user| {
                let stage = Arc::clone(self);
                tokio::spawn(async move { stage.read(user as i64).await.is_some() })
            })
            .collect();
        let Limits { connect, statement, .. } = self.place.limits;
        let deadline = Instant::now() + connect.min(statement).mul_f64(0.6);
        let mut held = 0;
        while held < connections && Instant::now() < deadline {
            held = held.max(self.judge.sessions().await?.busy.len());
            sleep(Duration::from_millis(10)).await;
        }
        session.end().await?;
        join_all(calls).await;
        let missing = connections.saturating_sub(held);
        if missing > 0 {
            let mut tally = lock(&self.tally);
            tally.slots += missing as u64;
            tally.problem(format!("{missing} of {connections} connections of the pool are missing"));
        }
        Ok(())
    }

    /// Where a read cannot be held: many calls at once, each of which answers.
    async fn check_many_calls(self: &Arc<Self>) -> Result<()> {
        if let (Some(pool), Engine::Sqlite) = (&self.pool, self.place.engine) {
            let pool = pool.get_sqlite_connection_pool();
            let connections = (0..self.place.limits.connections).map(|_| pool.acquire());
            let held = join_all(connections).await;
            let missing = held.iter().filter(|held| held.is_err()).count();
            if missing > 0 {
                let mut tally = lock(&self.tally);
                tally.slots += missing as u64;
                tally.problem(format!("{missing} connections of the application's pool are missing"));
            }
        }
        join_all((0..32).map(|user| self.read(user))).await;
        Ok(())
    }

    /// How many sessions there may be at once, of all pools together.
    fn most_sessions(&self) -> usize {
        (1 + self.other_pools.load(Ordering::Relaxed)) * self.place.limits.connections as usize + SPARE
    }

    async fn close(&self) {
        if timeout(CLOSE, self.streams.close()).await.is_err() {
            self.problem(format!("close() took over {} s", CLOSE.as_secs()));
        }
        if let Some(pool) = &self.pool {
            _ = timeout(CLOSE, pool.close_by_ref()).await;
        }
    }

    /// Waits until calls have had their time to be well again, and a little more.
    pub(crate) async fn wait_for_recovery(&self) {
        let recovered = lock(&self.expectation).map(|expectation| expectation.recovered);
        let recovered = recovered.unwrap_or_else(Instant::now);
        sleep_until(recovered + RECOVERY + Duration::from_millis(600)).await;
    }
}

/// What a panic says.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

/// Where the server listens, if there is one and a proxy can stand before it.
fn server_address(place: &Place) -> Result<Option<SocketAddr>> {
    if matches!(place.engine, Engine::Sqlite | Engine::RedisCluster) {
        return Ok(None);
    }
    let (_, rest) = place.server_url.split_once("://").context("a URL")?;
    let host = rest.split('/').next().unwrap_or(rest);
    let address = host.rsplit_once('@').map_or(host, |(_, address)| address);
    Ok(Some(address.parse().context("the server's address")?))
}

/// A user of the library's own, by whom its sessions are known.
fn create_user(place: &Place) -> Vec<String> {
    let user = &place.user;
    match place.engine {
        Engine::Postgres => vec![format!("CREATE ROLE {user} LOGIN SUPERUSER")],
        Engine::Mysql => ["localhost", "127.0.0.1"]
            .iter()
            .flat_map(|host| {
                [
                    format!("CREATE USER '{user}'@'{host}'"),
                    format!("GRANT ALL PRIVILEGES ON *.* TO '{user}'@'{host}'"),
                ]
            })
            .collect(),
        _ => Vec::new(),
    }
}
