//! Several streams read as one, and what is newer in many, beside the backend in memory.
//!
//! `cargo test -p user-streams-redis --test merged`

mod common;

use std::{collections::BTreeSet, sync::Arc};

use chrono::DateTime;
use common::{
    AnyCluster, Redis,
    streams::{backend_with, config},
};
use user_streams_core::{
    Cursor, ErrorKind, ItemId, MemoryBackend, Name, NewItem, OnCorrupt, UserId, UserIdKind,
    backend::{
        AddStreamItem, Backend, BulkAdd, ListNewer, MergedPart, MergedQuery, Position,
        RemoveStreamItem,
    },
};
use user_streams_redis::RedisConfig;

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn item(us: i64, id: i64) -> NewItem {
    // Longer for some, so that it may be shared.
    let content = format!("{us} {id} {}", "x".repeat(if id % 3 == 0 { 40 } else { 0 }));
    NewItem::new(content)
        .with_created_at(&DateTime::from_timestamp_micros(us).unwrap())
        .with_id(ItemId::try_from(id).unwrap())
}

fn place(us: i64, id: i64) -> Cursor {
    item(us, id).cursor()
}

fn any_place() -> Cursor {
    place(fastrand::i64(-3..43), fastrand::i64(1..6))
}

/// A stream, by its feed and its user.
fn stream(number: usize) -> (Option<Name>, UserId) {
    match number {
        0 | 1 => (None, UserId::Int(number as i64)),
        2 | 3 => (Some(name("numbers")), UserId::Int(number as i64)),
        _ => (Some(name("texts")), UserId::Text(format!("user:{number}"))),
    }
}

const STREAMS: usize = 7;

fn store(backend: &Arc<dyn Backend>, number: usize) -> Arc<dyn Backend> {
    let (feed, user) = stream(number);
    match feed {
        Some(feed) => backend.feed(&feed, user.kind()).unwrap(),
        None => Arc::clone(backend),
    }
}

async fn add(backend: &Arc<dyn Backend>, number: usize, item: NewItem) {
    let args = AddStreamItem::new([stream(number).1, other(number)], item).unwrap();
    store(backend, number).add_stream_item(args).await.unwrap();
}

/// A user beside, so that the content is for several.
fn other(number: usize) -> UserId {
    match stream(number).1 {
        UserId::Int(_) => UserId::Int(100),
        _ => UserId::Text("other".into()),
    }
}

/// A query of some of the streams.
fn query() -> MergedQuery {
    let mut streams: Vec<_> = (0..STREAMS).collect();
    fastrand::shuffle(&mut streams);
    let less = streams.split_off(fastrand::usize(3..=STREAMS));
    let part = |number| {
        let (feed, user) = stream(number);
        let than = (fastrand::u8(..4) == 0).then(any_place);
        MergedPart::new(feed, user).newer_than(than)
    };
    let parts = streams[..fastrand::usize(1..=streams.len())].iter().map(|&at| part(at));
    let position = match fastrand::u8(..4) {
        0 => Position::Offset(0),
        1 => Position::Offset(fastrand::u64(..30)),
        2 => Position::After(any_place()),
        _ => Position::Before(any_place()),
    };
    let limit = if fastrand::bool() { fastrand::u64(1..8) } else { 500 };
    let query = MergedQuery::new(parts.collect(), limit).with_position(position);
    // A stream without a bound: only the places of what is hidden count.
    let less = less.into_iter().take(fastrand::usize(..3)).map(|number| {
        let (feed, user) = stream(number);
        MergedPart::new(feed, user)
    });
    query.less(less.collect())
}

async fn is_as_in_memory(redis: Arc<dyn Backend>) {
    let memory: Arc<dyn Backend> = Arc::new(MemoryBackend::default());
    for round in 0..6 {
        for _ in 0..60 {
            let number = fastrand::usize(..STREAMS);
            let item = item(fastrand::i64(0..40), fastrand::i64(1..5));
            for backend in [&redis, &memory] {
                add(backend, number, item.clone()).await;
            }
        }
        // Many of one microsecond.
        if round > 2 {
            for id in 10..40 {
                for backend in [&redis, &memory] {
                    add(backend, id as usize % STREAMS, item(20, id)).await;
                }
            }
        }
        for _ in 0..80 {
            let query = query();
            let expected = memory.get_merged(query.clone()).await.unwrap();
            let found = redis.get_merged(query.clone()).await.unwrap();
            assert_eq!(found, expected, "round {round}: {query:?}");
        }
        for number in 0..STREAMS {
            let place = any_place();
            for backend in [&redis, &memory] {
                let args = RemoveStreamItem::new(stream(number).1, place);
                store(backend, number).remove_stream_item(args).await.unwrap();
            }
        }
    }
}

/// As after a thousand reads of short items: before, all that is read is expected to be long.
async fn used_to_short_items(backend: &Arc<dyn Backend>) {
    for number in 0..STREAMS {
        add(backend, number, item(1_000, 1)).await;
    }
    let query = || MergedQuery::new((0..STREAMS).map(part).collect(), 1);
    for _ in 0..2_500 {
        assert_eq!(backend.get_merged(query()).await.unwrap().len(), 1);
    }
    for number in 0..STREAMS {
        let args = RemoveStreamItem::new(stream(number).1, place(1_000, 1));
        assert_eq!(store(backend, number).remove_stream_item(args).await.unwrap(), 1);
    }
}

fn part(number: usize) -> MergedPart {
    let (feed, user) = stream(number);
    MergedPart::new(feed, user)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_of_one_server_are_read_as_one() {
    let server = Redis::any();
    is_as_in_memory(backend_with(&server.url(), config()).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_of_one_server_are_read_as_one_in_one_exchange() {
    // Its commands are counted.
    let server = Redis::start(&[]);
    let backend = backend_with(&server.url(), config()).await;
    used_to_short_items(&backend).await;
    is_as_in_memory(Arc::clone(&backend)).await;
    // By the script, and by nothing else.
    for number in 0..STREAMS {
        add(&backend, number, item(100 + number as i64, 1)).await;
    }
    let calls = |name: &str| {
        let stats = server.cli(&["info", "commandstats"]);
        let line = stats.lines().find(|line| line.starts_with(&format!("cmdstat_{name}:")));
        let calls = line.and_then(|line| line.split(['=', ',']).nth(1)).unwrap_or("0");
        calls.parse::<u64>().unwrap()
    };
    let before = calls("evalsha");
    let query = MergedQuery::new((0..STREAMS).map(part).collect(), 3);
    assert_eq!(backend.get_merged(query).await.unwrap().len(), 3);
    assert_eq!(calls("evalsha") - before, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_with_shared_content_are_read_as_one() {
    let server = Redis::any();
    let config = config().with_shared_content_min_len(30);
    let backend = backend_with(&server.url(), config).await;
    used_to_short_items(&backend).await;
    is_as_in_memory(backend).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_of_a_cluster_are_read_as_one() {
    let cluster = AnyCluster::get();
    let config = RedisConfig::new().with_key_prefix(cluster.prefix());
    let backend = backend_with(&cluster.url(), config).await;
    used_to_short_items(&backend).await;
    is_as_in_memory(backend).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_damaged_fails_a_read_or_is_passed_over() {
    let server = Redis::any();
    let fails = backend_with(&server.url(), config()).await;
    let skips = config().with_on_corrupt(OnCorrupt::Skip);
    let skips = backend_with(&server.url(), skips).await;
    used_to_short_items(&fails).await;
    used_to_short_items(&skips).await;
    for number in 0..STREAMS {
        add(&fails, number, item(number as i64, 1)).await;
    }
    let query = || MergedQuery::new((0..STREAMS).map(part).collect(), 50);
    let newer = || ListNewer::new(vec![UserId::Int(0), UserId::Int(1)], place(-5, 1), 100);
    for (damage, key) in [
        (["zadd", "user_streams:stream:1", "3", "short"], "user_streams:stream:1"),
        (["zadd", "user_streams:stream:1", "3", "16 bytes of text"], "user_streams:stream:1"),
        (["set", "user_streams:stream:1", "x", "keepttl"], "user_streams:stream:1"),
    ] {
        if damage[0] == "set" {
            server.cli(&["del", key]);
        }
        server.cli(&damage);
        let left = if damage[0] == "set" { STREAMS - 1 } else { STREAMS };
        for error in [
            fails.get_merged(query()).await.map(|_| panic!("merged {damage:?}")).unwrap_err(),
            fails.list_newer(newer()).await.map(|_| panic!("list {damage:?}")).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Corrupt);
            assert!(error.message().contains(key), "{error}");
        }
        assert_eq!(skips.get_merged(query()).await.unwrap().len(), left, "{damage:?}");
        let listed = skips.list_newer(newer()).await.unwrap();
        assert_eq!(listed.len(), if damage[0] == "set" { 1 } else { 2 }, "{damage:?}");
        if damage[0] == "zadd" {
            server.cli(&["zrem", key, damage[3]]);
        }
    }
}

async fn list_is_as_in_memory(redis: Arc<dyn Backend>) {
    let memory: Arc<dyn Backend> = Arc::new(MemoryBackend::default());
    let mut rows: Vec<_> = (0..600)
        .map(|_| {
            let item = item(fastrand::i64(0..40), fastrand::i64(1..5));
            (UserId::Int(fastrand::i64(0..300)), item)
        })
        .collect();
    rows.extend((0..5_000).map(|id| (UserId::Int(7), item(id / 50, 1 + id % 50))));
    for backend in [&redis, &memory] {
        backend.bulk_add(BulkAdd::new(rows.clone()).unwrap()).await.unwrap();
    }
    let everyone: Vec<_> = (0..400).map(UserId::Int).collect();
    for than in [place(-1, 1), place(0, 3), place(20, 2), place(39, 4), place(1_000, 1)] {
        for limit in [1, 10, 2_500, 10_000] {
            let query = || ListNewer::new(everyone.clone(), than, 10_000);
            let all: BTreeSet<_> = memory.list_newer(query()).await.unwrap().into_iter().collect();
            let query = ListNewer::new(everyone.clone(), than, limit);
            let found = redis.list_newer(query).await.unwrap();
            assert_eq!(found.len(), all.len().min(limit as usize), "{than:?} {limit}");
            let listed: BTreeSet<_> = found.iter().cloned().collect();
            assert_eq!(listed.len(), found.len());
            assert!(listed.is_subset(&all));
        }
    }
    assert!(redis.list_newer(ListNewer::new(Vec::new(), place(0, 1), 5)).await.unwrap().is_empty());
    let none = ListNewer::new(everyone, place(0, 1), 0);
    assert!(redis.list_newer(none).await.unwrap().is_empty());
    assert_eq!(UserIdKind::BigInt, redis.capabilities().user_id());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_newer_on_one_server_is_listed() {
    let server = Redis::any();
    list_is_as_in_memory(backend_with(&server.url(), config()).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_newer_in_a_cluster_is_listed() {
    let cluster = AnyCluster::get();
    let config = RedisConfig::new().with_key_prefix(cluster.prefix());
    list_is_as_in_memory(backend_with(&cluster.url(), config).await).await;
}
