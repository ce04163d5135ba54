//! What a trial happens on: the library on a place of its own, its proxy, its judge and its ledger.

mod checks;

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
use futures_util::FutureExt;
use sea_orm::DatabaseConnection;
use tokio::time::{Instant, sleep_until, timeout};
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
/// How much longer than its bound a call is waited for, so that one that never ends does not end
/// the trial.
const CAP: Duration = Duration::from_secs(4);
/// How many failures are told in words.
const TOLD: usize = 4;

/// What a trial asks of its stage.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options {
    /// Whether the library's connections speak TLS.
    pub(crate) tls: bool,
    pub(crate) limits: Limits,
    /// Over a pool that is the application's.
    pub(crate) over_a_pool: bool,
    pub(crate) text_ids: bool,
    /// The server ends sessions that idle so long. On MariaDB the setting is the server's, until it
    /// is set back.
    pub(crate) idle_seconds: Option<u32>,
}

/// From when on a failure is wrong: of calls that begin after `recovered` and fail after `grace`
/// more.
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
    /// How many pools there are beside the first, in other processes, or whose end the server does
    /// not hear of.
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
        let front = trial.pooler.as_ref().map_or(place.server_url.as_str(), |front| front.url());
        let proxy = match server_address(place.engine, front)? {
            Some(address) => Some(Proxy::listen(address).await?),
            None => None,
        };
        if let Some(proxy) = &proxy {
            place.url = match place.engine {
                Engine::Postgres => {
                    // A pooler of the trials' own has no certificate.
                    let tls = options.tls && trial.pooler.is_none();
                    let mode = if tls { "require" } else { "disable" };
                    format!("postgres://{}@{}/postgres?sslmode={mode}", place.user, proxy.address)
                }
                Engine::Mysql => {
                    let mode = if options.tls { "REQUIRED" } else { "DISABLED" };
                    format!("mysql://{}@{}/user_streams?ssl-mode={mode}", place.user, proxy.address)
                }
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
        let (streams, pool) = if options.over_a_pool && !trial.pools_transactions() {
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
    pub(crate) fn start(&self, item: &Item) -> Add<'static> {
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
        let bound = if item.recipients() > self.place.chunk() {
            limits.broadcast
        } else {
            limits.statement
        };
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
        let count = self.call("a count", self.place.limits.statement, items.count()).await?;
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
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}

/// Where the server listens, if there is one and a proxy can stand before it.
fn server_address(engine: Engine, url: &str) -> Result<Option<SocketAddr>> {
    if matches!(engine, Engine::Sqlite | Engine::RedisCluster) {
        return Ok(None);
    }
    let (_, rest) = url.split_once("://").context("a URL")?;
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
