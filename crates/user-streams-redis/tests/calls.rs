//! Single calls: timeouts, options, runtimes, what a delete deletes, limits of content.
//!
//! `cargo test -p user-streams-redis --test calls`

mod common;

use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use chrono::DateTime;
use common::{
    Cluster, Redis,
    proxy::Proxy,
    streams::{TIMEOUT, config, connect, connect_with, current_thread},
};
use futures_util::{StreamExt, future::join_all, stream};
use tokio::time::{sleep, timeout};
use user_streams_core::{ErrorKind, NewItem, Recipients, backend::Options};
use user_streams_redis::{RedisBackend, RedisConfig};

/// By how much a call may exceed its timeout.
const GRACE: Duration = Duration::from_millis(500);

#[tokio::test]
async fn calls_beyond_max_waiting_are_refused_at_once() {
    let server = Redis::start(&[]);
    let proxy = Proxy::before(server.port);
    let streams = connect_with(&proxy.url(), RedisConfig::new().with_max_waiting(5)).await;
    streams.add_stream_item(1, "item").await.unwrap();
    // No reply comes before all have been sent.
    proxy.delay(300);
    let added = join_all((0..200).map(|_| streams.add_stream_item(1, "item").into_future())).await;
    assert_eq!(added.iter().filter(|added| added.is_ok()).count(), 5);
    for error in added.into_iter().filter_map(Result::err) {
        assert_eq!(
            (error.kind(), error.is_retryable()),
            (ErrorKind::Overloaded, true),
            "{error:?}"
        );
    }
    assert_eq!(streams.get_stream_items(1).count().await.unwrap(), 6);
}

/// Each call reads several times: a range, the exact rank by a script, shared content.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_and_an_add_end_within_the_timeout() {
    let server = Redis::start(&[]);
    let proxy = Proxy::before(server.port);
    let config = config().with_shared_content_min_len(1);
    let streams = connect_with(&proxy.url(), config.clone()).await;
    let items: Vec<_> =
        (0..50).map(|_| NewItem::new("item").with_created_at(&DateTime::UNIX_EPOCH)).collect();
    for item in &items {
        streams.add_stream_item([1, 2], item.clone()).await.unwrap();
    }
    let middle = streams.get_stream_items(1).get(25).await.unwrap().unwrap();
    let page = || streams.get_stream_items(1).cursor_page(3).after(middle.cursor()).into_future();
    assert_eq!(page().await.unwrap().items.len(), 3);
    proxy.delay(350);
    let start = Instant::now();
    let error = page().await.unwrap_err();
    assert!(start.elapsed() < TIMEOUT + GRACE, "{:?}", start.elapsed());
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Timeout, true), "{error:?}");

    // So long that the server is asked whether it takes it.
    let long = "a".repeat(2 << 20);
    // By connections of its own: those of the call before are being checked.
    proxy.delay(0);
    let streams = connect_with(&proxy.url(), config).await.with_max_content_len(4 << 20);
    proxy.delay(250);
    let start = Instant::now();
    let error = streams.add_stream_item(1, long).await.unwrap_err();
    assert!(start.elapsed() < TIMEOUT + GRACE, "{:?}", start.elapsed());
    // It may be the opening of a second connection that takes too long.
    assert!(matches!(error.kind(), ErrorKind::Timeout | ErrorKind::Connection), "{error:?}");
    assert!(error.is_retryable(), "{error:?}");
}

/// Calls that begin one after the other, each waiting for the map of the cluster that another one
/// reads.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_outlives_its_timeout_while_others_read_the_map() {
    let mut cluster = Cluster::start();
    let streams = connect(&cluster.url()).await;
    for user in 0..100 {
        streams.add_stream_item(user, "item").await.unwrap();
    }
    // One refuses at once, so that its callers ask for the map again; the others do not answer.
    let refuses = cluster.owner(0);
    cluster.nodes[refuses].kill();
    let stalled: Vec<_> = (0..cluster.nodes.len()).filter(|node| *node != refuses).collect();
    stalled.iter().for_each(|node| cluster.nodes[*node].signal("STOP"));
    let calls = (0..100).map(|user| {
        let streams = &streams;
        async move {
            sleep(Duration::from_millis(20 * user)).await;
            let start = Instant::now();
            let error = streams.get_stream_items(user.cast_signed()).count().await.unwrap_err();
            assert!(error.is_retryable(), "{error:?}");
            start.elapsed()
        }
    });
    let longest = join_all(calls).await.into_iter().max().unwrap();
    stalled.iter().for_each(|node| cluster.nodes[*node].signal("CONT"));
    assert!(longest < TIMEOUT + GRACE, "{longest:?}");
}

#[tokio::test]
async fn recipients_that_stall_or_never_end_block_no_other_call() {
    let server = Redis::any();
    let streams = connect(&server.url()).await;
    let stalled: Vec<_> = (0..23_i64)
        .map(|number| {
            // Before the first of them receives the item, and later on.
            let ids =
                stream::iter(0..if number < 20 { 500 } else { 15_000 }).chain(stream::pending());
            let streams = streams.clone();
            tokio::spawn(async move {
                streams.add_stream_item(Recipients::stream(ids), number.to_string()).await
            })
        })
        .collect();
    let delivered = Arc::new(AtomicU64::new(0));
    let taken = Arc::new(AtomicU64::new(0));
    let endless = {
        let (streams, delivered, taken) =
            (streams.clone(), Arc::clone(&delivered), Arc::clone(&taken));
        let ids = (0_i64..)
            .inspect(move |_| _ = taken.fetch_add(1, Ordering::Relaxed))
            .map(|id| id % 50_000);
        tokio::spawn(async move {
            let report = move |count| delivered.store(count, Ordering::Relaxed);
            streams.add_stream_item(Recipients::iter(ids), "endless").on_progress(report).await
        })
    };
    let mut times = Vec::new();
    for user in 0..100 {
        let start = Instant::now();
        streams.get_stream_items(user).slice(0..20).await.unwrap();
        streams.add_stream_item(100_000 + user, "alone").await.unwrap();
        times.push(start.elapsed());
        sleep(Duration::from_millis(10)).await;
    }
    times.sort();
    assert!(times[50] < GRACE && times[99] < 2 * TIMEOUT, "{times:?}");
    assert!(stalled.iter().all(|add| !add.is_finished()) && !endless.is_finished());
    assert!(taken.load(Ordering::Relaxed) > 50_000 && delivered.load(Ordering::Relaxed) == 50_000);
    endless.abort();
    for add in &stalled {
        add.abort();
    }
    _ = endless.await;
    // What is read ahead, and no more.
    let taken = taken.load(Ordering::Relaxed);
    sleep(Duration::from_millis(200)).await;
    streams.close().await.unwrap();
    assert!(taken < 50_000_000, "{taken}");
}

#[test]
fn absurd_limits_are_refused_by_name_and_range() {
    for name in ["connect_timeout", "operation_timeout", "max_retry_delay", "max_connections"] {
        for value in ["0", "-1", "1e19", "18446744073709551615", "4294967295", "\"5\"", "null"] {
            let json = format!(r#"{{"{name}": {value}}}"#);
            let error = async {
                let options: Options = serde_json::from_str(&json).unwrap();
                RedisBackend::connect("redis://127.0.0.1:1", options.parse()?).await
            };
            let error = current_thread().block_on(error).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidSettings, "{name}: {value}: {error:?}");
            assert!(error.message().starts_with(&format!("{name}: ")), "{name}: {value}: {error}");
            let range = match (name, value) {
                ("max_connections", "0" | "4294967295") => "1 to 64",
                ("max_connections", _) => "u32",
                _ => "0.001 to 1000000",
            };
            assert!(error.message().contains(range), "{name}: {value}: {error}");
        }
    }
}

/// Polls once, outside of any runtime.
fn poll<T>(future: impl Future<Output = user_streams_core::Result<T>>) -> user_streams_core::Error {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Err(error)) => error,
        Poll::Ready(Ok(_)) => panic!("there is no reply yet"),
        Poll::Pending => panic!("it waits for ever"),
    }
}

#[test]
fn without_a_runtime_there_is_an_error() {
    let server = Redis::start(&[]);
    let cluster = Cluster::start();
    let assert = |error: user_streams_core::Error| {
        assert_eq!(
            (error.kind(), error.is_retryable()),
            (ErrorKind::InvalidArgument, false),
            "{error:?}"
        );
        assert_eq!(
            error.message(),
            "there is no tokio runtime here: call it within `#[tokio::main]`, `#[tokio::test]` or \
             `Runtime::block_on`"
        );
    };
    for url in [server.url(), cluster.url()] {
        assert(poll(RedisBackend::connect(&url, RedisConfig::new())));
        let runtime = current_thread();
        let streams = runtime.block_on(connect(&url));
        assert(poll(streams.add_stream_item(1, "item").into_future()));
        assert(poll(streams.add_stream_item(Recipients::iter(0..30_000), "item").into_future()));
        assert(poll(streams.get_stream_items(1).into_future()));
        assert(poll(streams.get_stream_items(1).count()));
        assert(poll(streams.delete_stream(1)));
        assert(poll(streams.migrate()));
        assert(poll(streams.close()));
        // Begun within a runtime, and then left alone.
        server.signal("STOP");
        let items = streams.get_stream_items(1);
        let mut call = Box::pin(items.count());
        runtime.block_on(async {
            _ = timeout(Duration::from_millis(1), &mut call).await;
        });
        if url == server.url() {
            assert(poll(call));
        }
        server.signal("CONT");
        runtime.block_on(streams.add_stream_item(1, "item").into_future()).unwrap();
    }
}

/// A delete that arrives late takes only what was there when it was called.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_delete_spares_what_is_added_later() {
    let server = Redis::start(&[]);
    let shared = config().with_shared_content_min_len(10);
    for config in [config(), shared] {
        let proxy = Proxy::before(server.port);
        let streams = connect_with(&proxy.url(), config.clone()).await;
        let other = connect_with(&server.url(), config).await;
        for round in 0..6 {
            for _ in 0..3 {
                streams.add_stream_item([1, 2], "the content of an item").await.unwrap();
            }
            proxy.delay(60);
            // Amid its first or its second step.
            let limit = Duration::from_millis(30 + 60 * round);
            _ = timeout(limit, streams.delete_stream(1)).await;
            proxy.stall();
            other.add_stream_item([1, 3], "the content that was added later").await.unwrap();
            proxy.resume();
            sleep(Duration::from_millis(300)).await;
            let items = other.get_stream_items(1).await.unwrap();
            assert_eq!(items[0].content, "the content that was added later", "{limit:?}");
            proxy.delay(0);
            for user in 1..4 {
                other.delete_stream(user).await.unwrap();
            }
        }
        server.assert_counts("user_streams");
    }
}

/// The server closes the connection, which must not look like a lost one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn content_over_the_servers_limit_is_invalid_content() {
    let server = Redis::start(&["--proto-max-bulk-len", "1mb"]);
    let streams = connect(&server.url()).await.with_max_content_len(100 << 20);
    for length in [(1 << 20) + 1, 3 << 20, 40 << 20] {
        for recipients in [1, 3] {
            let start = Instant::now();
            let error = streams
                .add_stream_item(Recipients::iter(0..recipients), "a".repeat(length))
                .await
                .unwrap_err();
            assert_eq!(
                (error.kind(), error.is_retryable()),
                (ErrorKind::InvalidContent, false),
                "{error:?}"
            );
            assert!(error.message().contains("proto-max-bulk-len"), "{error}");
            assert!(start.elapsed() < TIMEOUT + GRACE, "{:?}", start.elapsed());
        }
    }
    streams.add_stream_item(1, "a".repeat((1 << 20) - 16)).await.unwrap();

    // As managed servers are, which tell no settings.
    server.cli(&["acl", "setuser", "default", "-config"]);
    let error = streams.add_stream_item(1, "a".repeat((1 << 20) + 1)).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.is_retryable()),
        (ErrorKind::InvalidContent, false),
        "{error:?}"
    );
    streams.add_stream_item(1, "a".repeat((1 << 20) - 16)).await.unwrap();

    let server = Redis::start(&["--client-query-buffer-limit", "2mb"]);
    let streams = connect(&server.url()).await.with_max_content_len(100 << 20);
    let error = streams.add_stream_item(1, "a".repeat(3 << 20)).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.is_retryable()),
        (ErrorKind::InvalidContent, false),
        "{error:?}"
    );
    assert!(error.message().contains("client-query-buffer-limit"), "{error}");
    streams.add_stream_item(1, "a".repeat((2 << 20) - (1 << 16))).await.unwrap();
}

static CALLS: AtomicUsize = AtomicUsize::new(0);

/// Recipients that are read from the same handle need no second connection.
#[tokio::test]
async fn recipients_may_be_read_from_the_same_streams() {
    let server = Redis::any();
    let config = config().with_max_connections(1);
    let streams = connect_with(&server.url(), config).await;
    let adds = (0..20).map(|_| {
        let reader = streams.clone();
        let ids = stream::iter(0..30_i64).then(move |id| {
            let reader = reader.clone();
            async move {
                CALLS.fetch_add(1, Ordering::Relaxed);
                reader.get_stream_items(id).count().await.unwrap();
                id
            }
        });
        streams.add_stream_item(Recipients::stream(ids), "item").into_future()
    });
    for added in join_all(adds).await {
        assert_eq!(added.unwrap().delivered, 30);
    }
    assert_eq!(CALLS.load(Ordering::Relaxed), 600);
}
