//! Servers that die, stall, refuse and come back. Every call ends within its timeout, and the same
//! backend works again.
//!
//! `cargo test -p user-streams-redis --test faults`

mod common;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use common::{
    Redis,
    streams::{TIMEOUT, backend_with, config, connect, connect_with, list},
};
use user_streams_core::{
    ErrorKind, Name, NewItem, Recipients, UserId, UserIdKind,
    backend::{
        Backend, BulkAdd, Contains, CountNewer, DeleteRange, MarkQuery, RemoveStreamItem, SetMark,
    },
};
use user_streams_redis::{ClientArguments, RedisBackend, RedisConfig};

/// By how much a call may exceed its timeout on a machine that is busy with other tests.
const GRACE: Duration = Duration::from_millis(1_500);

#[track_caller]
fn assert_in_time(start: Instant) {
    assert!(start.elapsed() < TIMEOUT + GRACE, "took {:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_and_started_again_is_used_again() {
    let mut server = Redis::start(&["--appendonly", "yes", "--appendfsync", "always"]);
    let streams = connect(&server.url()).await;
    for round in 1..=3 {
        streams.add_stream_item(1, "before").await.unwrap();
        server.kill();
        for _ in 0..2 {
            let start = Instant::now();
            let error = streams.get_stream_items(1).count().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Connection, "{error:?}");
            assert!(
                error.is_retryable() && error.message().contains(&server.port.to_string()),
                "{error}"
            );
            assert_in_time(start);
        }
        server.restart();
        assert_eq!(streams.get_stream_items(1).count().await.unwrap(), round);
    }
}

/// Callers that do not stop while it happens: none hangs, each error can be retried, and nothing is
/// lost or doubled.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_under_load_loses_and_doubles_nothing() {
    let mut server = Redis::start(&["--appendonly", "yes", "--appendfsync", "always"]);
    let streams = connect(&server.url()).await;
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..8_i64)
        .map(|user| {
            let (streams, stop) = (streams.clone(), Arc::clone(&stop));
            tokio::spawn(async move {
                let (mut written, mut failed) = (0_u32, 0_u32);
                while !stop.load(Ordering::Relaxed) {
                    let item = NewItem::new(format!("item {written}"));
                    loop {
                        let start = Instant::now();
                        match streams.add_stream_item([user, 100 + user], item.clone()).await {
                            Ok(_) => break,
                            Err(error) => {
                                assert!(error.is_retryable(), "{error:?}");
                                assert!(start.elapsed() < TIMEOUT + GRACE);
                                failed += 1;
                            }
                        }
                    }
                    written += 1;
                }
                (user, written, failed)
            })
        })
        .collect();
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(300)).await;
        server.kill();
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        server.restart();
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    stop.store(true, Ordering::Relaxed);
    let mut failures = 0;
    for writer in writers {
        let (user, written, failed) = writer.await.unwrap();
        failures += failed;
        for user in [user, 100 + user] {
            let items = streams.get_stream_items(user).await.unwrap();
            let expected: Vec<_> =
                (0..written).rev().map(|number| format!("item {number}")).collect();
            let contents: Vec<_> = items.into_iter().map(|item| item.content).collect();
            assert_eq!(contents, expected);
        }
    }
    // The server was down for longer than a call may take.
    assert!(failures > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stalls_gives_timeouts_and_then_answers() {
    let server = Redis::start(&[]);
    let streams = connect(&server.url()).await;
    streams.add_stream_item(1, "before").await.unwrap();
    server.signal("STOP");
    for _ in 0..2 {
        let start = Instant::now();
        let calls = (0..20).map(|_| async { streams.get_stream_items(1).count().await });
        for result in futures_util::future::join_all(calls).await {
            let error = result.unwrap_err();
            assert!(
                matches!(error.kind(), ErrorKind::Timeout | ErrorKind::Connection),
                "{error:?}"
            );
            assert!(error.is_retryable());
        }
        assert_in_time(start);
    }
    server.signal("CONT");
    assert_eq!(streams.get_stream_items(1).count().await.unwrap(), 1);
    // What was thrown away does not linger.
    server.wait_until("old connections are gone", |server| server.clients() <= 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_pauses_is_waited_for() {
    let server = Redis::start(&[]);
    let streams = connect(&server.url()).await;
    streams.add_stream_item(1, "before").await.unwrap();
    server.cli(&["client", "pause", "300", "all"]);
    assert_eq!(streams.get_stream_items(1).count().await.unwrap(), 1);
    server.cli(&["client", "pause", "3000", "write"]);
    let start = Instant::now();
    let error = streams.add_stream_item(1, "late").await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Timeout, true), "{error:?}");
    assert_in_time(start);
    server.cli(&["client", "unpause"]);
    streams.add_stream_item(1, "after").await.unwrap();
    assert_eq!(streams.get_stream_items(1).get(0).await.unwrap().unwrap().content, "after");
}

#[tokio::test]
async fn connections_closed_by_the_server_are_replaced() {
    let server = Redis::start(&[]);
    let streams = connect(&server.url()).await;
    for number in 0..20 {
        streams.add_stream_item(1, "item").await.unwrap();
        server.cli(&["client", "kill", "type", "normal", "skipme", "yes"]);
        assert_eq!(streams.get_stream_items(1).count().await.unwrap(), number + 1);
        server.cli(&["script", "flush"]);
    }
}

#[tokio::test]
async fn an_unreachable_server_is_named_in_the_error() {
    let mut server = Redis::start(&[]);
    let url = format!("redis://ann:s3cret@127.0.0.1:{}", server.port);
    server.kill();
    for url in [url.clone(), url.replace("redis:", "redis-cluster:")] {
        let start = Instant::now();
        let error = RedisBackend::connect(&url, config()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connection, "{error:?}");
        assert!(
            error.is_retryable() && error.message().contains(&format!("127.0.0.1:{}", server.port)),
            "{error}"
        );
        assert!(!format!("{error:?}").contains("s3cret"));
        assert_in_time(start);
    }
    // Nobody is at an address of this net (RFC 5737).
    let start = Instant::now();
    let error = RedisBackend::connect("redis://192.0.2.1", config()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection, "{error:?}");
    assert_in_time(start);
}

#[tokio::test]
async fn refused_credentials_are_invalid_settings() {
    let server = Redis::start(&["--requirepass", "p@ss word"]);
    let at = |login: &str| format!("redis://{login}127.0.0.1:{}/3", server.port);
    let streams = connect(&at(":p%40ss%20word@")).await;
    streams.add_stream_item(1, "item").await.unwrap();
    let password = ClientArguments::new().with_password("p@ss word");
    let config = RedisConfig::new().with_client_arguments(password);
    let by_argument = connect_with(&at(""), config).await;
    assert_eq!(by_argument.get_stream_items(1).count().await.unwrap(), 1);
    let keys = server.cli(&["-a", "p@ss word", "-n", "3", "--no-auth-warning", "dbsize"]);
    assert_eq!(keys, "1");
    for login in ["", ":wrong@", "ann:wrong@"] {
        let refused = RedisBackend::connect(&at(login), RedisConfig::new()).await;
        let error = refused.expect_err(login);
        assert_eq!(
            (error.kind(), error.is_retryable()),
            (ErrorKind::InvalidSettings, false),
            "{error:?}"
        );
        assert!(!format!("{error:?}").contains("wrong"), "{error:?}");
    }
    let open = Redis::start(&[]);
    let error =
        RedisBackend::connect(&open.url().replace("redis:", "redis-cluster:"), RedisConfig::new())
            .await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidSettings);
    let error =
        RedisBackend::connect(&format!("{}/99", open.url()), RedisConfig::new()).await.unwrap_err();
    assert!(!error.is_retryable(), "{error:?}");
}

#[tokio::test]
async fn the_documented_permissions_are_enough() {
    let server = Redis::start(&[]);
    let streams = connect(&server.restricted(&["+zrem", "+zcard", "+zremrangebyrank"])).await;
    streams.migrate().await.unwrap();
    let items: Vec<_> = (0..20)
        .map(|_| NewItem::new("same instant").with_created_at(&chrono::DateTime::UNIX_EPOCH))
        .collect();
    for item in &items {
        streams.add_stream_item([1, 2], item.clone()).await.unwrap();
    }
    let next = streams.get_stream_items(1).cursor_page(5).after(items[15].cursor()).await.unwrap();
    assert_eq!(next.items[0].id, items[14].id());
    assert_eq!(streams.delete_stream(1).await.unwrap(), 20);
    // What the other operations take in addition.
    let more = ["+zrem", "+zremrangebyrank", "+scan", "+info", "+hget", "+hset", "+hdel"];
    let main = backend_with(&server.restricted(&more), config()).await;
    let feed = main.feed(&"news".parse().unwrap(), UserIdKind::BigInt).unwrap();
    for backend in [&main, &feed] {
        let rows = items.iter().map(|item| (UserId::Int(7), item.clone())).collect();
        backend.bulk_add(BulkAdd::new(rows).unwrap()).await.unwrap();
        let (mark, name) = (items[3].cursor(), "seen".parse::<Name>().unwrap());
        backend.set_mark(SetMark::new(7.into(), name.clone(), mark)).await.unwrap();
        let query = MarkQuery::new(7.into(), name.clone());
        assert_eq!(backend.mark(query).await.unwrap(), Some(mark));
        let query = CountNewer::than_mark(7.into(), name.clone());
        assert_eq!(backend.count_newer(query).await.unwrap(), 16);
        assert!(backend.set_mark(SetMark::remove(7.into(), name)).await.unwrap());
        let pairs = Contains::new(vec![(7.into(), mark), (8.into(), mark)]);
        assert_eq!(backend.contains(pairs).await.unwrap(), [true, false]);
        let (users, _) = list(&**backend, 10).await;
        assert!(users.contains(&7.into()));
        let removal = RemoveStreamItem::new(7, mark);
        assert_eq!(backend.remove_stream_item(removal).await.unwrap(), 1);
        let range = DeleteRange::new(7.into());
        assert_eq!(backend.delete_range(range).await.unwrap(), 19);
    }
    // Without `INFO`, too.
    server.cli(&["acl", "setuser", "ann", "-info"]);
    assert_eq!(list(&*main, 10).await.0, [2.into()]);
    // What damaged streams take in addition.
    server.cli(&["acl", "setuser", "ann", "+type", "+unlink", "+zscore", "+strlen"]);
    server.cli(&["zadd", "user_streams:stream:2", "5", "no item"]);
    assert_eq!(streams.repair_stream(2).await.unwrap(), 1);
    let foreign = ["set", "user_streams:stream:3", "no stream"];
    server.cli(&foreign);
    assert_eq!(streams.repair_stream(3).await.unwrap(), 1);
    server.cli(&foreign);
    assert_eq!(streams.delete_stream(3).await.unwrap(), 1);
    server.cli(&["acl", "setuser", "ann", "-zcard"]);
    let error = streams.get_stream_items(2).count().await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Backend, false), "{error:?}");
}

#[tokio::test]
async fn a_key_of_another_type_affects_its_user_alone() {
    let server = Redis::start(&[]);
    let streams = connect(&server.url()).await;
    server.cli(&["set", "user_streams:stream:5000", "no sorted set"]);
    server.cli(&["zadd", "user_streams:stream:1", "1", "no item"]);
    for user in [1, 5_000] {
        let error = streams.get_stream_items(user).await.unwrap_err();
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Corrupt, false), "{error:?}");
    }
    let error = streams.add_stream_item(Recipients::iter(2..20_000), "to all").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
    for user in [2, 4_999, 5_001, 19_999] {
        assert_eq!(streams.get_stream_items(user).count().await.unwrap(), 1, "{user}");
    }
}

#[tokio::test]
async fn a_full_server_and_a_replica_are_reported() {
    let server = Redis::start(&[]);
    let streams = connect(&server.url()).await;
    streams.add_stream_item(1, "item").await.unwrap();
    server.cli(&["config", "set", "maxmemory", "1"]);
    let error = streams.add_stream_item(1, "item").await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Backend, false), "{error:?}");
    assert_eq!(streams.get_stream_items(1).count().await.unwrap(), 1);
    server.cli(&["config", "set", "maxmemory", "0"]);
    server.cli(&["replicaof", "192.0.2.1", "1"]);
    let start = Instant::now();
    let error = streams.add_stream_item(1, "item").await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Connection, true), "{error:?}");
    assert_in_time(start);
    server.cli(&["replicaof", "no", "one"]);
    streams.add_stream_item(1, "item").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_connection_outlives_the_backend() {
    let server = Redis::start(&[]);
    let streams = connect(&server.url()).await;
    for _ in 0..4 {
        streams.get_stream_items(1).count().await.unwrap();
    }
    assert_eq!(server.clients(), 2);
    streams.close().await.unwrap();
    server.wait_until("closed connections are gone", |server| server.clients() == 0);
    let error = streams.get_stream_items(1).count().await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Connection, false), "{error:?}");

    let streams = connect(&server.url()).await;
    streams.get_stream_items(1).count().await.unwrap();
    drop(streams);
    server.wait_until("dropped connections are gone", |server| server.clients() == 0);
}

/// Dropping needs no runtime.
#[test]
fn a_backend_may_be_dropped_outside_of_a_runtime() {
    let server = Redis::start(&[]);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let streams = runtime.block_on(connect(&server.url()));
    drop(streams);
    server.wait_until("its connections are gone", |server| server.clients() == 0);
    let streams = runtime.block_on(connect(&server.url()));
    drop(runtime);
    drop(streams);
    server.wait_until("its connections are gone", |server| server.clients() == 0);
}

/// A dropped call leaves the backend usable.
#[tokio::test]
async fn calls_may_be_dropped_at_any_point() {
    let server = Redis::start(&[]);
    let streams = connect(&server.url()).await;
    for microseconds in 0..300 {
        let wait = Duration::from_micros(microseconds * 3);
        _ = tokio::time::timeout(wait, async {
            streams.add_stream_item(Recipients::iter(0..3_000), "item").await.unwrap();
            streams.get_stream_items(1).await.unwrap();
        })
        .await;
        if microseconds % 50 == 0 {
            server.cli(&["client", "kill", "type", "normal", "skipme", "yes"]);
        }
    }
    streams.add_stream_item(1, "last").await.unwrap();
    assert_eq!(streams.get_stream_items(1).get(0).await.unwrap().unwrap().content, "last");
}
