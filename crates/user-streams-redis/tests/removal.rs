//! What is taken out of streams: references to shared content, what runs beside it, and what
//! something else has written.
//!
//! `cargo test -p user-streams-redis --test removal`

mod common;

use std::{future::IntoFuture, ops::Range, sync::Arc};

use common::{Redis, streams::backend_with};
use user_streams_core::{
    Cursor, Error, ErrorKind, ItemId, NewItem, OnCorrupt, Recipients, Streams, UserId,
    backend::{
        AddStreamItem, Backend, BulkAdd, Contains, CountNewer, DeleteRange, RemoveStreamItem,
    },
};
use user_streams_redis::RedisConfig;

const MIN_LEN: usize = 100;

async fn backend(url: &str) -> Arc<dyn Backend> {
    backend_with(url, RedisConfig::new().with_shared_content_min_len(MIN_LEN)).await
}

fn item(content: &str) -> NewItem {
    NewItem::new(content.repeat(1_000))
}

fn place(us: i64, id: i64) -> Cursor {
    let at = chrono::DateTime::from_timestamp_micros(us).unwrap();
    Cursor::new(at, ItemId::try_from(id).unwrap())
}

fn key(item: &NewItem) -> String {
    format!("user_streams:content:{}:{}", item.created_at_us(), item.id())
}

/// How many members refer to the item's shared content, by its count.
fn members(server: &Redis, item: &NewItem) -> u64 {
    server.cli(&["getrange", &key(item), "0", "9"]).parse().unwrap_or(0)
}

#[track_caller]
fn assert_corrupt(error: &Error, parts: &[&str]) {
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Corrupt, false), "{error:?}");
    for part in parts {
        assert!(error.message().contains(part), "{part} is not in: {error}");
    }
}

#[tokio::test]
async fn what_is_removed_loses_its_reference() {
    let server = Redis::any();
    let backend = backend(&server.url()).await;
    let streams = Streams::from_backend(Arc::clone(&backend));
    let items = ["a", "b", "c"].map(item);
    for item in &items {
        let recipients = Recipients::iter(0..1_200);
        streams.add_stream_item(recipients, item.clone()).await.unwrap();
    }
    // Which one user has for himself refers to nothing.
    let own = item("own");
    streams.add_stream_item(7, own.clone()).await.unwrap();
    let remove = async |users: Range<i64>, item: &NewItem| {
        let removal = RemoveStreamItem::new(Recipients::iter(users), item.cursor());
        backend.remove_stream_item(removal).await.unwrap()
    };
    assert_eq!(remove(0..1_100, &items[0]).await, 1_100);
    assert_eq!(members(&server, &items[0]), 100);
    assert_eq!(remove(0..1_100, &items[0]).await, 0);
    assert_eq!(members(&server, &items[0]), 100);
    assert_eq!(remove(0..5_000, &items[0]).await, 100);
    assert_eq!(server.cli(&["exists", &key(&items[0])]), "0");
    assert_eq!(remove(0..10, &own).await, 1);

    let range = DeleteRange::new(3.into()).newer_than(items[1].cursor());
    assert_eq!(backend.delete_range(range).await.unwrap(), 1);
    let range = DeleteRange::new(3.into()).older_than(items[2].cursor());
    assert_eq!(backend.delete_range(range).await.unwrap(), 1);
    assert_eq!([&items[1], &items[2]].map(|item| members(&server, item)), [1_199; 2]);
    server.assert_counts("user_streams");

    // Rows of one item are its recipients.
    let new = item("d");
    let rows = (0..500).map(|user| (UserId::Int(user), new.clone()));
    let rows: Vec<_> = rows.chain([(1.into(), item("alone"))]).collect();
    for expected in [501, 0] {
        let args = BulkAdd::new(rows.clone()).unwrap();
        assert_eq!(backend.bulk_add(args).await.unwrap(), expected);
        assert_eq!(members(&server, &new), 500);
    }
    let other = item("e").with_created_at(&new.created_at()).with_id(new.id());
    let rows = vec![(1.into(), other.clone()), (1_000.into(), other)];
    let error = backend.bulk_add(BulkAdd::new(rows).unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}");
    server.assert_counts("user_streams");
}

/// Also the newest, up to which a deletion in parts goes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn removals_and_deletions_at_once_leave_the_counts_right() {
    let server = Redis::any();
    let backend = backend(&server.url()).await;
    let streams = Streams::from_backend(Arc::clone(&backend));
    for round in 0..5 {
        let items: Vec<_> = (0..900).map(|number| item(&format!("{round} {number}"))).collect();
        let rows = items.iter().flat_map(|item| [1, 2].map(|user| (user.into(), item.clone())));
        backend.bulk_add(BulkAdd::new(rows.collect()).unwrap()).await.unwrap();
        let remove = async {
            for item in items.iter().rev().take(300) {
                let removal = RemoveStreamItem::new([1, 2], item.cursor());
                backend.remove_stream_item(removal).await.unwrap();
            }
        };
        let (deleted, ()) = tokio::join!(streams.delete_stream(1).into_future(), remove);
        deleted.unwrap();
        assert_eq!(streams.get_stream_items(1).count().await.unwrap(), 0);
        server.assert_counts("user_streams");
        assert_eq!(streams.delete_stream(2).await.unwrap(), 600);
    }
    assert_eq!(server.cli(&["dbsize"]), "0");
}

/// A removal and many rows go on past keys of another type, as a broadcast does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn removals_and_bulk_adds_go_on_past_keys_of_another_type() {
    for config in [RedisConfig::new(), RedisConfig::new().with_shared_content_min_len(MIN_LEN)] {
        let server = Redis::any();
        let backend = backend_with(&server.url(), config).await;
        let new = NewItem::new("a".repeat(2 * MIN_LEN));
        let add = AddStreamItem::new(Recipients::iter(0..3_000), new.clone()).unwrap();
        backend.add_stream_item(add).await.unwrap();
        for user in [3, 700, 2_999] {
            server.cli(&["set", &format!("user_streams:stream:{user}"), "no sorted set"]);
        }
        let removal = RemoveStreamItem::new(Recipients::iter(0..3_000), new.cursor());
        let error = backend.remove_stream_item(removal).await.unwrap_err();
        let unreached = "3 of the recipients could not be reached";
        assert_corrupt(&error, &[unreached, "700", "2997 others", "repair_stream"]);
        let rows = |content: &str| {
            let row = |user| (UserId::Int(user), NewItem::new(format!("{content} {user}")));
            BulkAdd::new((0..3_000).map(row).collect()).unwrap()
        };
        let error = backend.bulk_add(rows("short")).await.unwrap_err();
        assert_corrupt(&error, &[unreached, "2999", "at least 2997 rows"]);
        let pairs = [3, 4, 5].map(|user| (UserId::Int(user), new.cursor()));
        let error = backend.contains(Contains::new(pairs.to_vec())).await.unwrap_err();
        assert_corrupt(&error, &["user_streams:stream:3"]);
        let error = backend.delete_range(DeleteRange::new(700.into())).await.unwrap_err();
        assert_corrupt(&error, &["user_streams:stream:700"]);
        let query = CountNewer::new(700.into(), new.cursor());
        let error = backend.count_newer(query.clone()).await.unwrap_err();
        assert_corrupt(&error, &["user_streams:stream:700"]);

        let config = RedisConfig::new().with_on_corrupt(OnCorrupt::Skip);
        let skipping = backend_with(&server.url(), config).await;
        assert_eq!(skipping.contains(Contains::new(pairs.to_vec())).await.unwrap(), [false; 3]);
        assert_eq!(skipping.delete_range(DeleteRange::new(700.into())).await.unwrap(), 0);
        assert_eq!(skipping.count_newer(query).await.unwrap(), 0);
    }
}

/// Two members of one item, which no add makes, are removed both; what is near to it stays.
#[tokio::test]
async fn an_item_that_something_else_has_doubled_is_removed_as_one() {
    let server = Redis::any();
    let backend = backend_with(&server.url(), RedisConfig::new()).await;
    let zadd = |score: &str, member: &str| {
        let script = format!("return redis.call('ZADD', KEYS[1], ARGV[1], {member})");
        let added = server.cli(&["eval", &script, "1", "user_streams:stream:1", score]);
        assert_eq!(added, "1");
    };
    let member = |us: i64, id: i64, content: &str| {
        format!("struct.pack('>I4I4I4I4', 2147483648, {us}, 0, {id}) .. {content}")
    };
    for (id, content) in [(6, "'before'"), (7, "'one'"), (7, "'two'"), (7, "''"), (8, "'after'")] {
        zadd("5", &member(5, id, content));
    }
    zadd("5", "'short'");
    zadd("6", &member(6, 7, "'later'"));
    let removal = || RemoveStreamItem::new(1, place(5, 7));
    let contains = || Contains::new(vec![(1.into(), place(5, 7))]);
    assert_eq!(backend.contains(contains()).await.unwrap(), [true]);
    assert_eq!(backend.remove_stream_item(removal()).await.unwrap(), 1);
    assert_eq!(server.cli(&["zcard", "user_streams:stream:1"]), "4");
    assert_eq!(backend.contains(contains()).await.unwrap(), [false]);
    assert_eq!(backend.remove_stream_item(removal()).await.unwrap(), 0);
}
