//! The guide's way of retrying, as it stands there, against servers that are killed meanwhile.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::Duration,
};

use futures_util::future::join_all;
use tokio::{
    task::spawn_blocking,
    time::{Instant, sleep, timeout},
};
use user_streams_core::{
    Delivery, Error, ErrorKind, NewItem, Result, Settings, StreamItem, Streams, UserIdKind,
    backend::{
        AddStreamItem, Backend, Capabilities, CountQuery, Registry, StreamQuery, async_trait,
    },
};
use user_streams_test_servers::{Kind, Profile, start};

use crate::{
    recipe,
    watched::{Attempt, Attempts, Watched},
};

const TASKS: i64 = 50;
/// How many attempts at one item fail while the server is down: the pause after the last of them
/// is between 0.4 and 0.8 s.
const FAILURES: usize = 4;

/// Waits until the condition is true.
async fn eventually(what: &str, holds: impl Fn() -> bool) {
    let wait = async {
        while !holds() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(60), wait).await.unwrap_or_else(|_| panic!("never: {what}"));
}

/// The settings of a backend on this server, with limits below the server's absence, so that calls
/// fail instead of waiting for it.
fn settings(kind: Kind, url: &str) -> Settings {
    let settings = match kind {
        Kind::Postgres | Kind::Mysql => Settings::new(format!("single-table+{url}")),
        Kind::Redis | Kind::RedisCluster => Settings::new(url),
    };
    settings.with_option("connect_timeout", 0.3).with_option("operation_timeout", 1.0)
}

/// 50 tasks add items by the guide's function while the server is killed and started again.
pub(crate) async fn a_killed_server_loses_and_doubles_nothing_and_retries_are_spread(kind: Kind) {
    let mut server = spawn_blocking(move || start(kind, Profile::Crash)).await.unwrap().unwrap();
    let attempts: Vec<_> = (0..TASKS).map(|_| Attempts::default()).collect();
    let backend = Registry::linked().connect(&settings(kind, &server.url)).await.unwrap();
    if kind != Kind::Redis {
        backend.migrate().await.unwrap();
    }
    let handles: Vec<_> = attempts
        .iter()
        .map(|attempts| Watched { inner: backend.clone(), attempts: attempts.clone() })
        .map(Streams::from_backend)
        .collect();

    let (added, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (added, stop) = (&added, &stop);
    let tasks = handles.iter().zip(0..TASKS).map(|(streams, user)| async move {
        let mut items = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            let item = NewItem::new(format!("item {} for {user}", items.len()));
            let delivery = recipe::add(streams, &[user], &item).await;
            delivery.unwrap_or_else(|error| panic!("{} of {user}: {error:?}", items.len()));
            items.push((item.cursor(), item.content().to_owned()));
            added.fetch_add(1, Ordering::Relaxed);
        }
        items
    });
    let breaks = async {
        eventually("adds", || added.load(Ordering::Relaxed) >= 4 * TASKS as usize).await;
        let mut server = spawn_blocking(move || server.kill().map(|()| server)).await??;
        let all_have_failed = || attempts.iter().all(|one| one.failed() >= FAILURES);
        eventually("each task has failed several times", all_have_failed).await;
        let server = spawn_blocking(move || server.restart().map(|()| server)).await??;
        let before = added.load(Ordering::Relaxed);
        // Each task has got through, since it has added another one.
        let enough = before + 3 * TASKS as usize;
        eventually("adds after the restart", || added.load(Ordering::Relaxed) >= enough).await;
        stop.store(true, Ordering::Relaxed);
        anyhow::Ok(server)
    };
    let (mut items, server) = tokio::join!(join_all(tasks), breaks);
    let _server = server.unwrap();

    for (user, items) in items.iter_mut().enumerate() {
        let stored = handles[user].get_stream_items(user as i64).await.unwrap();
        let stored: Vec<_> = stored.into_iter().map(|item| (item.cursor(), item.content)).collect();
        items.reverse();
        assert!(stored == *items, "user {user} has {stored:?} of {items:?}");
    }
    assert_are_spread(&attempts);
    handles[0].close().await.unwrap();
}

/// The shortest pause doubles with each attempt, and the tasks' pauses differ.
fn assert_are_spread(attempts: &[Attempts]) {
    for number in 0..FAILURES {
        let shortest = Duration::from_millis(100 << number);
        let pause = |attempts: Vec<Attempt>| {
            let pair = attempts.get(number..number + 2)?;
            pair[0].failed.then(|| pair[1].began - pair[0].ended)
        };
        let mut pauses: Vec<_> =
            attempts.iter().flat_map(Attempts::all).filter_map(pause).collect();
        pauses.sort_unstable();
        assert!(pauses.len() >= TASKS as usize, "{} pauses", pauses.len());
        assert!(pauses[0] >= shortest, "pause {number} has {pauses:?}");
        // Without the extremes, which a busy machine makes.
        let (early, late) = (pauses[pauses.len() / 20], pauses[pauses.len() * 19 / 20]);
        assert!(late - early >= shortest.mul_f64(0.6), "pause {number} has {pauses:?}");
    }
}

/// A backend whose every call fails.
#[derive(Debug)]
struct Failing(ErrorKind);

impl Failing {
    fn error<T>(&self) -> Result<T> {
        Err(Error::new(self.0, "it always fails"))
    }
}

#[async_trait]
impl Backend for Failing {
    fn capabilities(&self) -> Capabilities {
        Capabilities::new("failing", UserIdKind::BigInt)
    }

    async fn add_stream_item(&self, _: AddStreamItem) -> Result<Delivery> {
        self.error()
    }

    async fn get_stream_items(&self, _: StreamQuery) -> Result<Vec<StreamItem>> {
        self.error()
    }

    async fn count_stream_items(&self, _: CountQuery) -> Result<u64> {
        self.error()
    }
}

/// Adds an item to a backend that fails so, on a clock that runs only while all wait; returns the
/// number of attempts and how long they took.
fn attempts_at(kind: ErrorKind) -> (usize, Duration) {
    let attempts = Attempts::default();
    let streams =
        Streams::from_backend(Watched { inner: Failing(kind), attempts: attempts.clone() });
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let took = runtime.unwrap().block_on(async {
        let began = Instant::now();
        let item = NewItem::new("");
        let added = timeout(Duration::from_secs(3_600), recipe::add(&streams, &[1], &item)).await;
        let error = added.expect("it is given up").unwrap_err();
        assert_eq!(error.kind(), kind, "the last error is returned");
        began.elapsed()
    });
    (attempts.failed(), took)
}

pub(crate) fn a_permanent_failure_is_not_retried() {
    assert_eq!(attempts_at(ErrorKind::NotMigrated), (1, Duration::ZERO));
}

pub(crate) fn a_lasting_failure_is_given_up_after_a_minute() {
    let (attempts, took) = attempts_at(ErrorKind::Connection);
    let (patience, longest_pause) = (Duration::from_secs(60), Duration::from_secs(10));
    assert!(patience <= took && took <= patience + longest_pause, "{took:?}");
    assert!((10..=25).contains(&attempts), "{attempts} attempts");
}
