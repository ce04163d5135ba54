//! Connections and dropped calls do not affect other calls. Behind a proxy that delays, stalls and
//! cuts.
//!
//! `cargo test -p user-streams-redis --test connections`

mod common;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use common::{
    Cluster, Redis,
    proxy::Proxy,
    streams::{TIMEOUT, config, connect, connect_with, current_thread, with_timeouts},
};
use futures_util::future::join_all;
use tokio::time::{sleep, timeout};
use user_streams_core::{ErrorKind, NewItem, Recipients, Streams};
use user_streams_redis::RedisConfig;

/// By how much a call may exceed its timeout.
const GRACE: Duration = Duration::from_millis(500);

/// Users who each read their own page, under limits that many calls do not meet.
async fn assert_own_pages(streams: &Streams, disturb: impl AsyncFn()) {
    const USERS: i64 = 40;
    for user in 0..USERS {
        for number in 0..5 {
            streams
                .add_stream_item([user, 1_000 + user], format!("{user}: {number}").repeat(10))
                .await
                .unwrap();
        }
    }
    let stop = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..USERS)
        .map(|user| {
            let (streams, stop) = (streams.clone(), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut random = fastrand::Rng::with_seed(user.cast_unsigned());
                let (mut pages, mut dropped) = (0, 0);
                while !stop.load(Ordering::Relaxed) {
                    let limit = Duration::from_micros(random.u64(0..40_000));
                    let page = timeout(limit, async {
                        match random.u8(..4) {
                            0 => streams.get_stream_items(user).slice(0..3).await,
                            1 => Ok(streams.get_stream_items(user).cursor_page(4).await?.items),
                            2 => {
                                let new = NewItem::new(format!("{user}: more"));
                                streams.add_stream_item([user, 1_000 + user], new).await?;
                                streams.get_stream_items(user).slice(0..1).await
                            }
                            _ => {
                                assert!(streams.get_stream_items(user).count().await? >= 5);
                                streams.get_stream_items(user).await
                            }
                        }
                    });
                    match page.await {
                        Err(_) => dropped += 1,
                        Ok(Err(error)) => assert!(error.is_retryable(), "{error:?}"),
                        Ok(Ok(items)) => {
                            assert!(!items.is_empty());
                            for item in items {
                                assert!(
                                    item.content.starts_with(&format!("{user}: ")),
                                    "{user}: {}",
                                    item.content
                                );
                            }
                            pages += 1;
                        }
                    }
                    // A task that is always ready would leave no time to the proxy.
                    sleep(Duration::from_micros(200)).await;
                }
                (pages, dropped)
            })
        })
        .collect();
    disturb().await;
    stop.store(true, Ordering::Relaxed);
    let (mut pages, mut dropped) = (0, 0);
    for reader in readers {
        let (some, some_dropped) = reader.await.unwrap();
        pages += some;
        dropped += some_dropped;
    }
    assert!(pages > 100 && dropped > 100, "{pages} pages, {dropped} dropped");
    for user in 0..USERS {
        let items = streams.get_stream_items(user).await.unwrap();
        assert!(items.iter().all(|item| item.content.starts_with(&format!("{user}: "))));
    }
}

async fn disturb(proxy: &Proxy, server: &Redis) {
    for round in 0..6 {
        proxy.delay(round * 4);
        sleep(Duration::from_millis(300)).await;
        proxy.cut();
        sleep(Duration::from_millis(100)).await;
        server.signal("STOP");
        sleep(Duration::from_millis(250)).await;
        server.signal("CONT");
        proxy.stall();
        sleep(Duration::from_millis(100)).await;
        proxy.resume();
    }
    proxy.delay(0);
    sleep(Duration::from_millis(300)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_reply_goes_to_another_call() {
    let server = Redis::start(&[]);
    let proxy = Proxy::before(server.port);
    let config = with_timeouts(Duration::from_millis(60), Duration::from_millis(500));
    let streams = connect_with(&proxy.url(), config.clone()).await;
    assert_own_pages(&streams, async || disturb(&proxy, &server).await).await;
    server.cli(&["flushall"]);
    let streams = connect_with(&proxy.url(), config.with_shared_content_min_len(10)).await;
    assert_own_pages(&streams, async || disturb(&proxy, &server).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_reply_of_a_cluster_goes_to_another_call() {
    let cluster = Cluster::start();
    let config = with_timeouts(Duration::from_millis(200), Duration::from_millis(500));
    let streams = connect_with(&cluster.url(), config).await;
    assert_own_pages(&streams, async || {
        for round in 0..9 {
            let node = &cluster.nodes[round % 3];
            sleep(Duration::from_millis(200)).await;
            node.signal("STOP");
            sleep(Duration::from_millis(300)).await;
            node.signal("CONT");
            node.cli(&["client", "kill", "type", "normal", "skipme", "yes"]);
        }
        sleep(Duration::from_millis(500)).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_dropped_calls_leave_nothing_behind() {
    let server = Redis::start(&[]);
    let cluster = Cluster::start();
    let shared = config().with_shared_content_min_len(10);
    for streams in [
        connect(&server.url()).await,
        connect_with(&server.url(), shared).await,
        connect(&cluster.url()).await,
    ] {
        streams.add_stream_item([1, 2], "the content of an item").await.unwrap();
        let droppers = (0..16).map(|dropper: i64| {
            let streams = streams.clone();
            tokio::spawn(async move {
                let mut random = fastrand::Rng::with_seed(dropper.cast_unsigned());
                let mut dropped = 0;
                while dropped < 625 {
                    let limit = Duration::from_micros(random.u64(0..3_000));
                    let ended = timeout(limit, async {
                        // The limit ends it amid any of these.
                        for _ in 0..20 {
                            streams.get_stream_items(dropper).slice(0..20).await.unwrap();
                            streams
                                .add_stream_item([dropper, 100 + dropper], "the content of an item")
                                .await
                                .unwrap();
                            streams.add_stream_item(dropper, "another").await.unwrap();
                        }
                    });
                    dropped += u32::from(ended.await.is_err());
                }
            })
        });
        for dropper in join_all(droppers).await {
            dropper.unwrap();
        }
        let start = Instant::now();
        for user in 0..40 {
            streams.add_stream_item(user, "last").await.unwrap();
            assert_eq!(
                streams.get_stream_items(user).get(0).await.unwrap().unwrap().content,
                "last"
            );
        }
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
        let start = Instant::now();
        streams.close().await.unwrap();
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    }
    for server in cluster.nodes.iter().take(3).chain([&server]) {
        server.wait_until("its connections are gone", |server| server.clients() == 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn close_ends_in_any_state_of_the_connections() {
    // Patient settings, which may not make closing patient.
    let patient = Duration::from_secs(60);
    let config = with_timeouts(patient, patient).with_max_connections(8);
    let server = Redis::start(&[]);
    let cluster = Cluster::start();
    for (url, nodes) in
        [(server.url(), vec![&server]), (cluster.url(), cluster.nodes.iter().collect())]
    {
        for connecting in [false, true] {
            let streams = connect_with(&url, config.clone()).await;
            for user in 0..100 {
                streams.get_stream_items(user).count().await.unwrap();
            }
            if connecting {
                for node in &nodes {
                    node.cli(&["client", "kill", "type", "normal", "skipme", "yes"]);
                }
            }
            nodes.iter().for_each(|node| node.signal("STOP"));
            let calls: Vec<_> = (0..40)
                .map(|user| {
                    let streams = streams.clone();
                    tokio::spawn(async move {
                        streams.add_stream_item([user, user + 100], "under way").await.map(|_| ())
                    })
                })
                .collect();
            sleep(Duration::from_millis(200)).await;
            let start = Instant::now();
            streams.close().await.unwrap();
            assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
            for call in calls {
                let error = timeout(Duration::from_secs(2), call)
                    .await
                    .expect("hangs")
                    .unwrap()
                    .unwrap_err();
                assert_eq!(
                    (error.kind(), error.is_retryable()),
                    (ErrorKind::Connection, false),
                    "{error:?}"
                );
            }
            nodes.iter().for_each(|node| node.signal("CONT"));
            for user in 0..4 {
                let error = streams.get_stream_items(user).count().await.unwrap_err();
                assert_eq!(
                    (error.kind(), error.is_retryable()),
                    (ErrorKind::Connection, false),
                    "{error:?}"
                );
            }
            for node in &nodes {
                node.wait_until("its connections are gone", |node| node.clients() == 0);
            }
            streams.close().await.unwrap();
        }
    }
}

/// Connecting takes longer than any of them waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_with_short_timeouts_get_a_connection() {
    let server = Redis::start(&[]);
    let proxy = Proxy::before(server.port);
    let streams = connect_with(&proxy.url(), RedisConfig::new()).await;
    proxy.delay(40);
    proxy.cut();
    let start = Instant::now();
    let storm = async {
        while timeout(Duration::from_millis(110), streams.get_stream_items(1).count())
            .await
            .is_err()
        {
            assert!(start.elapsed() < Duration::from_secs(5), "none was ever answered");
        }
    };
    join_all([storm]).await;
    assert!(proxy.accepted() <= 6, "{} connections", proxy.accepted());
}

/// An application's own timeouts are often shorter than ours, so that ours never fires.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_connection_is_noticed_by_dropped_calls() {
    let server = Redis::start(&[]);
    let proxy = Proxy::before(server.port);
    let streams = connect(&proxy.url()).await;
    for _ in 0..4 {
        streams.get_stream_items(1).count().await.unwrap();
    }
    proxy.stall();
    let start = Instant::now();
    while timeout(Duration::from_millis(100), streams.get_stream_items(1).count()).await.is_err() {
        assert!(start.elapsed() < Duration::from_secs(3), "the connection is never discarded");
    }
    for _ in 0..10 {
        timeout(TIMEOUT, streams.get_stream_items(1).count()).await.unwrap().unwrap();
    }
    // A slow server's connections are kept.
    let before = proxy.accepted();
    proxy.delay(100);
    for _ in 0..10 {
        _ = timeout(Duration::from_millis(50), streams.get_stream_items(1).count()).await;
    }
    sleep(TIMEOUT).await;
    streams.get_stream_items(1).count().await.unwrap();
    assert_eq!(proxy.accepted(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_timeout_the_first_retry_succeeds() {
    let server = Redis::start(&[]);
    let proxy = Proxy::before(server.port);
    let config = config().with_max_connections(8);
    let streams = connect_with(&proxy.url(), config).await;
    for _ in 0..16 {
        streams.get_stream_items(1).count().await.unwrap();
    }
    proxy.stall();
    let start = Instant::now();
    let error = streams.add_stream_item(1, "item").await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Timeout, true), "{error:?}");
    assert!(start.elapsed() < TIMEOUT + GRACE, "{:?}", start.elapsed());
    for _ in 0..16 {
        let start = Instant::now();
        streams.add_stream_item(1, "item").await.unwrap();
        assert!(start.elapsed() < GRACE, "{:?}", start.elapsed());
    }
    // Sockets are closed at the timeout.
    proxy.resume();
    server.wait_until("old connections are gone", |server| server.clients() <= 8);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_fails_after_idling() {
    let mut server = Redis::start(&["--appendonly", "yes"]);
    let proxy = Proxy::before(server.port);
    let streams = connect(&proxy.url()).await;
    let calls = async |what: &str| {
        for result in
            join_all((0..30).map(|user| streams.add_stream_item(user, "item").into_future())).await
        {
            result.expect(what);
        }
    };
    calls("at first").await;
    server.cli(&["config", "set", "timeout", "1"]);
    server.wait_until("it closes them", |server| server.clients() == 0);
    calls("closed by the server").await;
    server.cli(&["config", "set", "timeout", "0"]);
    server.kill();
    server.restart();
    calls("restarted").await;
    // Forgotten by the network, without a word.
    proxy.stall();
    sleep(Duration::from_millis(5_500)).await;
    let start = Instant::now();
    calls("forgotten").await;
    assert!(start.elapsed() < TIMEOUT, "{:?}", start.elapsed());
}

/// As in tests that have a runtime each and share one handle.
#[test]
fn one_handle_serves_several_runtimes() {
    let server = Redis::start(&[]);
    let cluster = Cluster::start();
    for url in [server.url(), cluster.url()] {
        let first = current_thread();
        // With the default timeouts: the machine may be busy with other tests.
        let streams = first.block_on(connect_with(&url, RedisConfig::new()));
        let calls = async || {
            for user in 0..3 {
                streams
                    .add_stream_item(Recipients::iter(user..user + 1_200), "item")
                    .await
                    .unwrap();
                streams.get_stream_items(user).slice(0..20).await.unwrap();
            }
        };
        first.block_on(calls());
        // Alternately: while one of them runs, the other ones do not.
        let second = current_thread();
        for _ in 0..3 {
            second.block_on(calls());
            first.block_on(calls());
        }
        // What is left in a runtime that does not run any more.
        for _ in 0..20 {
            first.block_on(async {
                _ = timeout(Duration::from_millis(2), calls()).await;
            });
            second.block_on(calls());
        }
        // One after the other.
        drop(first);
        for _ in 0..5 {
            current_thread().block_on(calls());
        }
        // At once, as the tests of a program do.
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..4 {
                        current_thread().block_on(calls());
                    }
                });
            }
        });
        second.block_on(calls());
        second.block_on(streams.close()).unwrap();
    }
    server.wait_until("its connections are gone", |server| server.clients() == 0);
}
