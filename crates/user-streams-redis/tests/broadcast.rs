//! One item to many, in one server and in a cluster: what is counted, what is reported, and what
//! stays when it fails.
//!
//! `cargo test -p user-streams-redis --test broadcast`

mod common;

use std::sync::{Arc, Mutex};

use common::{AnyCluster, Redis, streams::connect_with};
use futures_util::stream;
use user_streams_core::{ErrorKind, NewItem, Recipients, Streams, UserId};
use user_streams_redis::RedisConfig;

async fn connect(url: &str, prefix: &str) -> Streams {
    connect_with(url, RedisConfig::new().with_key_prefix(prefix)).await
}

async fn holders(streams: &Streams, users: impl Iterator<Item = i64>) -> u64 {
    let mut holders = 0;
    for user in users {
        holders += u64::from(!streams.get_stream_items(user).is_empty().await.unwrap());
    }
    holders
}

/// The users of a range, and then a failure.
fn failing(users: std::ops::Range<i64>) -> Recipients {
    Recipients::try_stream(stream::iter(users.map(Ok).chain([Err("the users' service is down")])))
}

/// The users of a range, and then one of another kind.
fn mixed(users: std::ops::Range<i64>) -> Recipients {
    Recipients::stream(stream::iter(users.map(UserId::Int).chain([UserId::from("a text")])))
}

async fn counts_and_progress(streams: &Streams) {
    for (users, expected) in
        [(0, 0), (1, 1), (999, 999), (1_000, 1_000), (1_001, 1_001), (25_000, 25_000)]
    {
        let reports = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&reports);
        let item = NewItem::new(format!("to {users}"));
        // Everybody twice, far apart.
        let add =
            streams.add_stream_item(Recipients::iter((0..users).chain(0..users)), item.clone());
        let delivery =
            add.on_progress(move |delivered| seen.lock().unwrap().push(delivered)).await.unwrap();
        assert_eq!(delivery.delivered, expected);
        let reports = reports.lock().unwrap().clone();
        assert!(reports.is_sorted() && reports.last() == Some(&expected), "{reports:?}");
        assert_eq!(
            streams.add_stream_item(Recipients::iter(0..users), item).await.unwrap().delivered,
            0
        );
    }
    assert_eq!(streams.get_stream_items(0).count().await.unwrap(), 5);
    assert_eq!(streams.get_stream_items(24_999).count().await.unwrap(), 1);
    assert_eq!(streams.get_stream_items(25_000).count().await.unwrap(), 0);
}

async fn failures(streams: &Streams) {
    let base = 100_000;
    // Among the first ten thousand nothing is stored.
    for (recipients, kind) in [
        (failing(base..base + 9_000), ErrorKind::Recipients),
        (mixed(base..base + 9_000), ErrorKind::InvalidUserId),
    ] {
        let error = streams.add_stream_item(recipients, "early").await.unwrap_err();
        assert_eq!((error.kind(), error.is_retryable()), (kind, false), "{error:?}");
        assert_eq!(holders(streams, (base..base + 9_000).step_by(7)).await, 0);
    }
    // Later, the item stays with those who have it, and the error says so.
    for (recipients, kind, base) in [
        (failing(200_000..215_500), ErrorKind::Recipients, 200_000),
        (mixed(300_000..315_500), ErrorKind::InvalidUserId, 300_000),
    ] {
        let item = NewItem::new("late");
        let error = streams.add_stream_item(recipients, item.clone()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error:?}");
        assert!(error.message().contains("with at least 15000 recipients by now"), "{error}");
        assert_eq!(holders(streams, base + 14_900..base + 15_600).await, 100);
        let again =
            streams.add_stream_item(Recipients::iter(base..base + 15_500), item).await.unwrap();
        assert_eq!(again.delivered, 500);
    }
}

async fn large_content(streams: &Streams) {
    let content = "☃".repeat(1024 * 1024 / 3);
    let delivery = streams
        .add_stream_item(Recipients::iter(400_000..400_060), content.as_str())
        .await
        .unwrap();
    assert_eq!(delivery.delivered, 60);
    assert_eq!(streams.get_stream_items(400_059).get(0).await.unwrap().unwrap().content, content);
}

async fn all(streams: &Streams) {
    counts_and_progress(streams).await;
    failures(streams).await;
    large_content(streams).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_server() {
    let server = Redis::any();
    all(&connect(&server.url(), "test").await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster() {
    let cluster = AnyCluster::get();
    all(&connect(&cluster.url(), cluster.prefix()).await).await;
}
