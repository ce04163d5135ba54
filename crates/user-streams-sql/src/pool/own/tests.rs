//! The pool over connections whose behaviour a test sets.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use futures_util::{FutureExt, future::join_all};
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use sea_orm::{DatabaseConnection, Value};
use sqlx::Error as SqlxError;
use tokio::time::{Instant, sleep, timeout};
use user_streams_core::{
    ErrorKind, Result,
    backend::{ConnectionMetrics, async_trait},
};

use super::OwnPool;
use crate::{
    Dialect,
    config::Timeouts,
    pool::{
        Executor, Limits,
        driver::{Abandoned, Connection, Driver},
        exchange::{self, Grace},
        source::Source,
    },
    row::ResultRow,
};

/// Its statements take as many milliseconds as their text says, such as `5`.
#[derive(Debug, Default)]
struct Fake {
    is_file: bool,
    /// How long connecting takes, and closing.
    connecting: Duration,
    closing: Duration,
    /// How long the server takes to end a session that was abandoned.
    ending: Duration,
    /// How many attempts to connect fail first, with a transient error.
    refused: AtomicUsize,
    opened: AtomicUsize,
    open: Arc<AtomicUsize>,
    max_open: AtomicUsize,
}

struct FakeConnection {
    closing: Duration,
    ending: Duration,
    open: Arc<AtomicUsize>,
}

impl Drop for FakeConnection {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Driver for Fake {
    fn dialect(&self) -> Dialect {
        if self.is_file { Dialect::Sqlite } else { Dialect::Postgres }
    }

    async fn connect(&self) -> Result<Box<dyn Connection>, SqlxError> {
        sleep(self.connecting).await;
        let refused = self
            .refused
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if refused.is_ok() {
            return Err(SqlxError::Io(std::io::ErrorKind::ConnectionRefused.into()));
        }
        self.opened.fetch_add(1, Ordering::SeqCst);
        let open = self.open.fetch_add(1, Ordering::SeqCst) + 1;
        self.max_open.fetch_max(open, Ordering::SeqCst);
        let (closing, ending, open) = (self.closing, self.ending, Arc::clone(&self.open));
        Ok(Box::new(FakeConnection { closing, ending, open }))
    }

    async fn connect_sea_orm(&self) -> Result<DatabaseConnection, SqlxError> {
        Err(SqlxError::PoolClosed)
    }
}

#[async_trait]
impl Connection for FakeConnection {
    async fn execute(&mut self, sql: &str, _: Vec<Value>) -> Result<u64, SqlxError> {
        self.execute_unprepared(sql).await.map(|()| 1)
    }

    async fn query(&mut self, sql: &str, _: Vec<Value>) -> Result<Vec<ResultRow>, SqlxError> {
        self.execute_unprepared(sql).await.map(|()| Vec::new())
    }

    async fn begin(&mut self) -> Result<(), SqlxError> {
        Ok(())
    }

    async fn execute_unprepared(&mut self, sql: &str) -> Result<(), SqlxError> {
        sleep(Duration::from_millis(sql.parse().unwrap_or(0))).await;
        Ok(())
    }

    async fn ping(&mut self) -> Result<(), SqlxError> {
        Ok(())
    }

    async fn close(self: Box<Self>) {
        sleep(self.closing).await;
    }

    fn abandon(self: Box<Self>, _: bool) -> Abandoned {
        if self.ending.is_zero() {
            return Abandoned::Gone;
        }
        Abandoned::Session(Box::pin(sleep(self.ending)))
    }

    fn is_broken_by(&self, _: &SqlxError) -> bool {
        true
    }
}

const TIMEOUTS: Timeouts = Timeouts {
    connect: Duration::from_secs(1),
    operation: Duration::from_secs(2),
    broadcast: Duration::from_secs(20),
    recipients: Duration::from_secs(5),
};

fn pool(fake: Fake, max_connections: u32) -> (Arc<Fake>, OwnPool) {
    let fake = Arc::new(fake);
    let driver: Arc<dyn Driver> = Arc::<Fake>::clone(&fake);
    (
        fake,
        OwnPool::new(driver, max_connections, TIMEOUTS.connect, ConnectionMetrics::new("test"))
            .unwrap(),
    )
}

async fn lease(pool: &OwnPool) -> Result<Box<dyn Executor>> {
    pool.lease(Limits::for_call(&TIMEOUTS)).await
}

#[tokio::test(start_paused = true)]
async fn a_settled_lease_serves_the_next_call() {
    let (fake, pool) = pool(Fake::default(), 3);
    for _ in 0..10 {
        let mut executor = lease(&pool).await.unwrap();
        executor.begin().await.unwrap();
        executor.execute("5", Vec::new()).await.unwrap();
        executor.commit().await.unwrap();
    }
    assert_eq!(fake.opened.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_lease_with_an_open_transaction_is_closed() {
    let (fake, pool) = pool(Fake::default(), 3);
    let mut executor = lease(&pool).await.unwrap();
    executor.begin().await.unwrap();
    drop(executor);
    assert_eq!(fake.open.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn a_statement_that_does_not_end_closes_the_connection_and_frees_its_slot() {
    let (fake, pool) = pool(Fake::default(), 1);
    for _ in 0..3 {
        let mut executor = lease(&pool).await.unwrap();
        let began = Instant::now();
        let error = executor.execute("60000", Vec::new()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert_eq!(began.elapsed().as_secs(), TIMEOUTS.operation.as_secs());
        // Nothing more is sent, and nothing waits.
        assert!(executor.execute("1", Vec::new()).await.is_err());
        executor.rollback().await;
        drop(executor);
        assert_eq!(fake.open.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_that_settles_in_time_costs_nothing() {
    let (fake, pool) = pool(Fake::default(), 1);
    let call = |milliseconds: &'static str| {
        let pool = &pool;
        async move {
            let mut executor = lease(pool).await.unwrap();
            let work = async move { executor.execute(milliseconds, Vec::new()).await };
            exchange::run(tokio::runtime::Handle::current(), pool.grace(), work).await
        }
    };
    timeout(Duration::from_millis(50), call("100")).await.unwrap_err();
    call("1").await.unwrap();
    assert_eq!(fake.opened.load(Ordering::SeqCst), 1);
    timeout(Duration::from_millis(50), call("60000")).await.unwrap_err();
    call("1").await.unwrap();
    assert_eq!(fake.opened.load(Ordering::SeqCst), 2, "what takes longer than the grace is closed");
    assert!(matches!(pool.grace(), Grace::For(_)));
}

#[tokio::test(start_paused = true)]
async fn a_connection_whose_caller_gave_up_serves_the_next_call() {
    let connecting = Duration::from_millis(50);
    let (fake, pool) = pool(Fake { connecting, ..Fake::default() }, 4);
    for _ in 0..2 {
        assert!(timeout(Duration::from_millis(20), lease(&pool)).await.is_err());
    }
    sleep(connecting).await;
    assert!(lease(&pool).now_or_never().is_some_and(|lease| lease.is_ok()), "it is there");
    assert!(fake.opened.load(Ordering::SeqCst) <= 2);
}

#[tokio::test(start_paused = true)]
async fn many_callers_with_short_timeouts_open_no_more_connections_than_the_pool_has() {
    let (fake, pool) = pool(Fake { connecting: Duration::from_millis(50), ..Fake::default() }, 4);
    let callers = (0..64).map(|_| async {
        let mut answered = 0;
        for _ in 0..20 {
            let call = async { lease(&pool).await.unwrap().execute("1", Vec::new()).await };
            answered += usize::from(timeout(Duration::from_millis(20), call).await.is_ok());
            sleep(Duration::from_millis(5)).await;
        }
        answered
    });
    let answered: usize = join_all(callers).await.into_iter().sum();
    assert!(answered > 100, "{answered}");
    assert!(fake.max_open.load(Ordering::SeqCst) <= 5, "{fake:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_starts_late_is_waited_for() {
    let (_, pool) = pool(Fake { refused: AtomicUsize::new(5), ..Fake::default() }, 2);
    assert!(lease(&pool).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_start_is_an_error_at_the_limit() {
    let (_, pool) = pool(Fake { refused: AtomicUsize::new(usize::MAX), ..Fake::default() }, 2);
    let began = Instant::now();
    let error = lease(&pool).await.map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert_eq!(began.elapsed().as_secs(), TIMEOUTS.connect.as_secs());
}

#[tokio::test(start_paused = true)]
async fn closing_ends_within_its_limit_whatever_is_under_way() {
    let (fake, pool) = pool(Fake::default(), 2);
    let held = lease(&pool).await.unwrap();
    drop(lease(&pool).await.unwrap());
    let began = Instant::now();
    pool.close(Instant::now() + Duration::from_millis(4500)).await;
    assert!(began.elapsed() < Duration::from_secs(5));
    assert_eq!(fake.open.load(Ordering::SeqCst), 1);
    assert_eq!(lease(&pool).await.map(drop).unwrap_err().kind(), ErrorKind::Connection);
    drop(held);
    assert_eq!(fake.open.load(Ordering::SeqCst), 0);
}

#[test]
fn a_runtime_that_ends_leaves_no_caller_waiting() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (_, pool) = pool(Fake { connecting: Duration::from_millis(20), ..Fake::default() }, 2);
    let first = runtime();
    first.block_on(async { assert!(lease(&pool).now_or_never().is_none()) });
    // Its attempt to connect ends with it.
    drop(first);
    runtime().block_on(async { assert!(lease(&pool).await.is_ok()) });
}

#[test]
fn a_call_in_a_runtime_that_is_shutting_down_holds_no_lock() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (_, pool) = pool(Fake::default(), 1);
    let handle = runtime.handle().clone();
    drop(runtime);
    let call = thread::spawn(move || {
        let _entered = handle.enter();
        assert!(pool.connector.connect().now_or_never().is_none());
        assert!(!pool.connector.is_connecting());
    });
    let since = std::time::Instant::now();
    while !call.is_finished() {
        assert!(since.elapsed() < Duration::from_secs(10), "the call hangs");
        thread::yield_now();
    }
    call.join().unwrap();
}

#[test]
fn connections_that_a_runtime_leaves_behind_cost_others_a_moment() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let connecting = Duration::from_millis(20);
    let (_, pool) = pool(Fake { connecting, ..Fake::default() }, 1);
    let first = runtime();
    first.block_on(async {
        // As many as there may be sessions, for callers who give up while they are made.
        let mut calls = [0; 2].map(|_| Box::pin(pool.connector.connect()));
        assert!(calls.iter_mut().all(|call| call.now_or_never().is_none()));
        sleep(connecting / 2).await;
        drop(calls);
        sleep(connecting).await;
    });
    drop(first);
    runtime().block_on(async { assert!(lease(&pool).await.is_ok()) });
}

/// How long `close` takes where each connection takes a second to close.
async fn closing(is_file: bool) -> Duration {
    let (_, pool) = pool(Fake { is_file, closing: Duration::from_secs(1), ..Fake::default() }, 2);
    drop(lease(&pool).await.unwrap());
    let since = Instant::now();
    pool.close(Instant::now() + Duration::from_millis(4500)).await;
    since.elapsed()
}

#[tokio::test(start_paused = true)]
async fn closing_waits_for_a_file_and_briefly_for_a_server() {
    assert_eq!(closing(true).await, Duration::from_secs(1));
    assert_eq!(closing(false).await, Duration::from_millis(500));
}

#[tokio::test(start_paused = true)]
async fn closing_waits_for_a_connection_that_is_being_made() {
    let (connecting, closing) = (Duration::from_millis(50), Duration::from_millis(100));
    let (fake, pool) = pool(Fake { is_file: true, connecting, closing, ..Fake::default() }, 2);
    let mut call = Box::pin(lease(&pool));
    assert!((&mut call).now_or_never().is_none());
    sleep(connecting / 2).await;
    let since = Instant::now();
    pool.close(Instant::now() + Duration::from_millis(4500)).await;
    assert_eq!(since.elapsed(), connecting / 2 + closing);
    assert_eq!(fake.open.load(Ordering::SeqCst), 0);
}

/// What has been reported of connections so far: idle, used, waiting, opened and closed.
fn reported(totals: &mut [f64; 5], metrics: &Snapshotter) -> [f64; 5] {
    for (key, _, _, value) in metrics.snapshot().into_vec() {
        let (_, key) = key.into_parts();
        let state = key.labels().find(|label| label.key() == "db.client.connection.state");
        let index = match (key.name(), state.map(metrics::Label::value)) {
            ("db.client.connection.count", Some("idle")) => 0,
            ("db.client.connection.count", Some("used")) => 1,
            ("db.client.connection.pending_requests", None) => 2,
            ("user_streams.connections.opened", None) => 3,
            ("user_streams.connections.closed", None) => 4,
            _ => panic!("{key}"),
        };
        // A snapshot has what came since the one before.
        totals[index] += match value {
            DebugValue::Counter(count) => f64::from(u32::try_from(count).unwrap()),
            DebugValue::Gauge(change) => change.into_inner(),
            DebugValue::Histogram(_) => panic!("{key}"),
        };
    }
    *totals
}

#[tokio::test(start_paused = true)]
async fn what_is_reported_of_connections_is_true_at_every_moment() {
    let recorder = DebuggingRecorder::new();
    let _installed = metrics::set_default_local_recorder(&recorder);
    let (mut totals, snapshotter) = ([0.0; 5], recorder.snapshotter());
    let mut reported = || reported(&mut totals, &snapshotter);
    let (_, pool) = pool(Fake { ending: Duration::from_secs(1), ..Fake::default() }, 1);

    let first = lease(&pool).await.unwrap();
    assert_eq!(reported(), [0.0, 1.0, 0.0, 1.0, 0.0], "in use");
    let mut second = Box::pin(lease(&pool));
    assert!((&mut second).now_or_never().is_none());
    assert_eq!(reported(), [0.0, 1.0, 1.0, 1.0, 0.0], "a second call waits");
    drop(first);
    let mut second = second.await.unwrap();
    assert_eq!(reported(), [0.0, 1.0, 0.0, 1.0, 0.0], "and has it");
    second.begin().await.unwrap();
    drop(second);
    assert_eq!(reported(), [0.0, 0.0, 0.0, 1.0, 1.0], "closed, though the session ends later");
    drop(lease(&pool).await.unwrap());
    assert_eq!(reported(), [1.0, 0.0, 0.0, 2.0, 1.0], "idle");
    pool.close(Instant::now() + Duration::from_millis(4500)).await;
    assert_eq!(reported(), [0.0, 0.0, 0.0, 2.0, 2.0], "at the end");
}
