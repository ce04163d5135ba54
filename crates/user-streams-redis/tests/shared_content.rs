//! Content that is stored once for several recipients: what is stored, which members are counted,
//! and when it is deleted.
//!
//! `cargo test -p user-streams-redis --test shared_content`

mod common;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use common::{
    Redis,
    streams::{backend_with, connect_with},
};
use user_streams_core::{
    ErrorKind, ItemId, NewItem, Recipients, Settings, Streams,
    backend::{Backend, RemoveStreamItem},
};
use user_streams_redis::RedisConfig;

const MIN_LEN: usize = 100;

async fn shared(server: &Redis) -> Streams {
    let config = RedisConfig::new().with_shared_content_min_len(MIN_LEN);
    connect_with(&server.url(), config).await
}

async fn plain(server: &Redis) -> Streams {
    connect_with(&server.url(), RedisConfig::new()).await
}

async fn backend(url: &str) -> Arc<dyn Backend> {
    backend_with(url, RedisConfig::new().with_shared_content_min_len(MIN_LEN)).await
}

fn item(content: &str) -> NewItem {
    NewItem::new(content.repeat(1_000))
}

fn key(item: &NewItem) -> String {
    format!("user_streams:content:{}:{}", item.created_at_us(), item.id())
}

/// How many members refer to the item's shared content, by its count.
fn members(server: &Redis, item: &NewItem) -> u64 {
    server.cli(&["getrange", &key(item), "0", "9"]).parse().unwrap_or(0)
}

async fn contents(streams: &Streams, user: i64) -> Vec<String> {
    streams.get_stream_items(user).await.unwrap().into_iter().map(|item| item.content).collect()
}

#[tokio::test]
async fn content_for_several_is_stored_once() {
    let server = Redis::any();
    let streams = shared(&server).await;
    let new = item("a");
    let delivery = streams.add_stream_item(Recipients::iter(0..1_000), new.clone()).await.unwrap();
    assert_eq!(delivery.delivered, 1_000);
    assert_eq!(server.cli(&["dbsize"]), "1001");
    assert_eq!(server.cli(&["get", &key(&new)]), format!("0000001000{}", new.content()));
    let encoding = server.cli(&["object", "encoding", "user_streams:stream:7"]);
    assert!(["listpack", "ziplist"].contains(&&*encoding), "{encoding}");
    let bytes: u64 = server.cli(&["memory", "usage", "user_streams:stream:7"]).parse().unwrap();
    assert!(bytes < 150, "{bytes}");
    assert_eq!(contents(&streams, 7).await, [new.content()]);

    // One byte less, and an add to one user.
    streams.add_stream_item([1, 2], "b".repeat(MIN_LEN - 1)).await.unwrap();
    streams.add_stream_item([1, 2], "c".repeat(MIN_LEN)).await.unwrap();
    streams.add_stream_item(1, item("d")).await.unwrap();
    assert_eq!(server.cli(&["keys", "*:content:*"]).lines().count(), 2);
    assert_eq!(
        contents(&streams, 2).await,
        ["c".repeat(MIN_LEN), "b".repeat(MIN_LEN - 1), "a".repeat(1_000)]
    );
    assert_eq!(contents(&streams, 1).await[0], "d".repeat(1_000));

    // From no length on, an empty content too.
    let config = RedisConfig::new().with_shared_content_min_len(0).with_key_prefix("all");
    let streams = connect_with(&server.url(), config).await;
    streams.add_stream_item([1, 2], "").await.unwrap();
    assert_eq!(contents(&streams, 1).await, [""]);
    assert_eq!(server.cli(&["keys", "all:content:*"]).lines().count(), 1);
}

#[tokio::test]
async fn the_last_deletion_removes_the_content() {
    let server = Redis::any();
    let streams = shared(&server).await;
    let at = |us| chrono::DateTime::from_timestamp_micros(us).unwrap();
    // A timestamp that some versions of Redis write as 1.7e15, and ids that Lua rounds.
    let items: Vec<_> = [
        (-7, 1),
        (0, 999_999),
        (1_700_000_000_000_000, i64::MAX),
        (1, (1 << 53) + 1),
        (2, 4_294_967_296_000_000),
    ]
    .map(|(us, id)| item("a").with_created_at(&at(us)).with_id(ItemId::try_from(id).unwrap()))
    .into();
    for new in &items {
        streams.add_stream_item([1, 2, 3], new.clone()).await.unwrap();
    }
    streams.add_stream_item(2, "of its own").await.unwrap();
    for (user, number, left) in [(1, 5, 2), (2, 6, 1), (2, 0, 1), (4, 0, 1), (3, 5, 0)] {
        assert_eq!(streams.delete_stream(user).await.unwrap(), number, "{user}");
        for new in &items {
            assert_eq!(members(&server, new), left, "{user} {new:?}");
        }
    }
    assert_eq!(server.cli(&["keys", "*"]), "");
}

/// A stream that takes many steps to delete, and what is added between them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_stream_is_deleted_up_to_its_newest_item() {
    let server = Redis::any();
    let streams = shared(&server).await;
    let old = "for i = 1, 100000 do
        redis.call('ZADD', KEYS[1], i, struct.pack('>I4I4I4I4', 2147483648, i, 0, i) .. 'old') end";
    server.cli(&["eval", old, "1", "user_streams:stream:1"]);
    for number in 0..1_500 {
        let content = if number % 3 == 0 { "short".to_owned() } else { "a".repeat(MIN_LEN) };
        streams.add_stream_item([1, 2], content).await.unwrap();
    }
    assert_eq!(server.cli(&["keys", "*:content:*"]).lines().count(), 1_000);

    let (added, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let adding = tokio::spawn({
        let (streams, added, stop) = (streams.clone(), Arc::clone(&added), Arc::clone(&stop));
        async move {
            while !stop.load(Ordering::Relaxed) {
                streams.add_stream_item([1, 3], item("b")).await.unwrap();
                added.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    server.wait_until("there are adds", |_| added.load(Ordering::Relaxed) > 5);
    let before = added.load(Ordering::Relaxed);
    let deleted = streams.delete_stream(1).await.unwrap();
    let meanwhile = added.load(Ordering::Relaxed) - before;
    stop.store(true, Ordering::Relaxed);
    adding.await.unwrap();
    let added = added.load(Ordering::Relaxed);
    let left = contents(&streams, 1).await;
    assert_eq!(deleted + left.len() as u64, 101_500 + added);
    assert!(left.iter().all(|content| content.starts_with('b')));
    // What was added once the deletion had begun, but for the first few.
    assert!(meanwhile > 10 && left.len() as u64 > meanwhile / 2, "{} of {meanwhile}", left.len());

    assert_eq!(streams.delete_stream(1).await.unwrap(), left.len() as u64);
    assert_eq!(streams.delete_stream(2).await.unwrap(), 1_500);
    assert_eq!(server.cli(&["keys", "*:content:*"]).lines().count() as u64, added);
    assert_eq!(contents(&streams, 3).await.len() as u64, added);
    server.assert_counts("user_streams");
}

#[test]
fn a_step_of_a_deletion_ends_at_its_place() {
    let server = Redis::any();
    let script = ["place", "date", "release", "range"].map(|part| {
        let scripts = concat!(env!("CARGO_MANIFEST_DIR"), "/src/scripts");
        std::fs::read_to_string(format!("{scripts}/{part}.lua")).unwrap()
    });
    let script = script.concat();
    let step = |score: &str, last: &str, limit: &str| {
        let key = ["eval", &*script, "1", "stream"];
        let args = ["user_streams:content:", limit, "", "", score, last, "through"];
        server.cli(&[&key[..], &args].concat())
    };
    server.cli(&["zadd", "stream", "1", "a", "2", "b", "3", "c", "3", "cc", "4", "d"]);
    assert_eq!(step("3", "c", "2"), "2\n1");
    assert_eq!(step("3", "c", "2"), "1\n0");
    // As if its reply had been lost; the last one need not be there any more.
    assert_eq!(step("3", "c", "2"), "0\n0");
    assert_eq!(server.cli(&["zrange", "stream", "0", "-1"]), "cc\nd");
    assert_eq!(step("4", "d", "1"), "1\n1");
    assert_eq!(step("4", "d", "1"), "1\n0");
    assert_eq!(step("4", "d", "1"), "0\n0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn adds_deletes_and_reads_at_once_lose_nothing() {
    let server = Redis::any();
    let streams = shared(&server).await;
    let (stop, delivered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let adders: Vec<_> = (0..3_u64)
        .map(|seed| {
            let (streams, delivered) = (streams.clone(), Arc::clone(&delivered));
            tokio::spawn(async move {
                let mut random = fastrand::Rng::with_seed(seed);
                for number in 0..400 {
                    let users: Vec<i64> = (0..6).map(|_| random.i64(0..8)).collect();
                    let new = item(&format!("{number} of {seed};"));
                    // Twice, as a retry would.
                    for _ in 0..2 {
                        let delivery = streams.add_stream_item(&users, new.clone()).await.unwrap();
                        delivered.fetch_add(delivery.delivered, Ordering::Relaxed);
                    }
                }
            })
        })
        .collect();
    let others: Vec<_> = (0..4_i64)
        .map(|task| {
            let (streams, stop) = (streams.clone(), Arc::clone(&stop));
            tokio::spawn(async move {
                let (mut random, mut deleted) = (fastrand::Rng::with_seed(task.cast_unsigned()), 0);
                while !stop.load(Ordering::Relaxed) {
                    let user = random.i64(0..8);
                    if task % 2 == 0 {
                        deleted += streams.delete_stream(user).await.unwrap();
                    } else {
                        streams.get_stream_items(user).slice(0..20).await.unwrap();
                    }
                }
                deleted
            })
        })
        .collect();
    for adder in adders {
        adder.await.unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    let mut deleted = 0;
    for other in others {
        deleted += other.await.unwrap();
    }
    assert!(deleted > 0);
    server.assert_counts("user_streams");
    for user in 0..8 {
        deleted += contents(&streams, user).await.len() as u64;
    }
    assert_eq!(deleted, delivered.load(Ordering::Relaxed));
    for user in 0..8 {
        streams.delete_stream(user).await.unwrap();
    }
    assert_eq!(server.cli(&["keys", "*"]), "");
}

/// Dropped calls and broken connections leave each count as many as there are
/// members.
#[tokio::test]
async fn dropped_calls_leave_the_counts_right() {
    let server = Redis::start(&[]);
    let streams = shared(&server).await;
    let new = item("a");
    for step in 0..150 {
        _ = tokio::time::timeout(Duration::from_micros(step * 40), async {
            for new in [new.clone(), item("b")] {
                streams.add_stream_item(Recipients::iter(0..3_000), new).await.unwrap();
            }
            for user in 0..50 {
                streams.delete_stream(user).await.unwrap();
            }
        })
        .await;
        if step % 10 == 0 {
            server.cli(&["client", "kill", "type", "normal", "skipme", "yes"]);
        }
    }
    streams.add_stream_item(Recipients::iter(0..3_000), new.clone()).await.unwrap();
    assert_eq!(members(&server, &new), 3_000);
    server.wait_until("what was under way has ended", |server| server.clients() <= 2);
    server.assert_counts("user_streams");
}

#[tokio::test]
async fn switched_off_it_still_reads_shared_content() {
    let server = Redis::any();
    let (on, off) = (shared(&server).await, plain(&server).await);
    let new = item("a");
    on.add_stream_item([1, 2, 3], new.clone()).await.unwrap();
    off.add_stream_item(2, "later").await.unwrap();
    assert_eq!(contents(&off, 1).await, [new.content()]);
    assert_eq!(contents(&off, 2).await, ["later", new.content()]);
    let page = off
        .get_stream_items(2)
        .cursor_page(1)
        .after(off.get_stream_items(2).await.unwrap()[0].cursor());
    assert_eq!(page.await.unwrap().items[0].content, new.content());
    // Without the option a deletion leaves the content behind, as documented.
    assert_eq!(off.delete_stream(1).await.unwrap(), 1);
    assert_eq!(members(&server, &new), 3);
}

/// Whichever way a user has an item, it is not added again.
#[tokio::test]
async fn no_user_has_an_item_in_both_forms() {
    let server = Redis::any();
    let (on, off) = (shared(&server).await, plain(&server).await);
    let new = item("a");
    let add = async |streams: &Streams, users: &[i64]| {
        streams.add_stream_item(users, new.clone()).await.unwrap().delivered
    };
    assert_eq!(add(&on, &[1]).await, 1);
    assert_eq!(add(&off, &[2]).await, 1);
    assert_eq!(add(&on, &[1, 2]).await, 0);
    assert_eq!(server.cli(&["exists", &key(&new)]), "0");
    assert_eq!(add(&on, &[1, 2, 3, 4]).await, 2);
    assert_eq!(members(&server, &new), 2);
    assert_eq!((add(&on, &[3]).await, add(&off, &[3, 4]).await), (0, 0));
    assert_eq!(add(&on, &[3, 4, 5]).await, 1);
    assert_eq!(members(&server, &new), 3);
    for user in 1..=5 {
        assert_eq!(contents(&on, user).await, [new.content()]);
    }
}

#[tokio::test]
async fn a_repeated_broadcast_counts_no_user_twice() {
    let server = Redis::any();
    let streams = shared(&server).await;
    let new = item("a");
    let users = || Recipients::iter((0..12_500).chain(0..12_500));
    assert_eq!(streams.add_stream_item(users(), new.clone()).await.unwrap().delivered, 12_500);
    assert_eq!(streams.add_stream_item(users(), new.clone()).await.unwrap().delivered, 0);
    let more = Recipients::iter(12_000..13_000);
    assert_eq!(streams.add_stream_item(more, new.clone()).await.unwrap().delivered, 500);
    assert_eq!(members(&server, &new), 13_000);
}

#[tokio::test]
async fn different_content_is_refused_and_stores_nothing() {
    let server = Redis::any();
    let streams = shared(&server).await;
    let new = item("a");
    streams.add_stream_item([1, 2], new.clone()).await.unwrap();
    let other = item("b").with_created_at(&new.created_at()).with_id(new.id());
    for users in [1..4, 3..5, 10..25_000] {
        let error =
            streams.add_stream_item(Recipients::iter(users), other.clone()).await.unwrap_err();
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Conflict, false), "{error:?}");
        assert!(error.message().ends_with("nothing was stored"), "{error}");
    }
    assert_eq!(server.cli(&["dbsize"]), "3");
    assert_eq!(server.cli(&["get", &key(&new)]), format!("0000000002{}", new.content()));
    // No stream has it any more: other content is accepted.
    for user in [1, 2] {
        streams.delete_stream(user).await.unwrap();
    }
    assert_eq!(streams.add_stream_item([1, 2], other).await.unwrap().delivered, 2);
}

#[tokio::test]
async fn lost_content_is_named() {
    let server = Redis::any();
    let streams = shared(&server).await;
    let (lost, kept) = (item("a"), item("b"));
    for new in [&lost, &kept] {
        streams.add_stream_item([1, 2], new.clone()).await.unwrap();
    }
    server.cli(&["del", &key(&lost)]);
    let error = streams.get_stream_items(1).await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Corrupt, false), "{error:?}");
    for part in [&key(&lost)[..], "user_streams:stream:1", "repair_stream"] {
        assert!(error.message().contains(part), "{error}");
    }
    assert_eq!(streams.get_stream_items(1).get(0).await.unwrap().unwrap().content, kept.content());
    // As the message says.
    assert_eq!(streams.repair_stream(1).await.unwrap(), 1);
    assert_eq!(contents(&streams, 1).await, [kept.content()]);
    assert_eq!(streams.delete_stream(2).await.unwrap(), 2);

    // Something else at its key.
    server.cli(&["del", &key(&kept)]);
    server.cli(&["hset", &key(&kept), "a", "b"]);
    for error in [
        streams.get_stream_items(1).await.unwrap_err(),
        streams.add_stream_item([3, 4], kept.clone()).await.unwrap_err(),
    ] {
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Corrupt, false), "{error:?}");
    }
    assert_eq!(streams.get_stream_items(3).count().await.unwrap(), 0);
    assert_eq!(streams.delete_stream(1).await.unwrap(), 1);
}

#[tokio::test]
async fn a_key_of_another_type_keeps_the_item_from_no_other_user() {
    let server = Redis::any();
    let streams = shared(&server).await;
    server.cli(&["set", "user_streams:stream:5", "no sorted set"]);
    let new = item("a");
    let error = streams.add_stream_item(Recipients::iter(0..100), new.clone()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
    assert_eq!(members(&server, &new), 99);
    assert_eq!(contents(&streams, 99).await, [new.content()]);
}

#[tokio::test]
async fn a_full_server_still_deletes() {
    let server = Redis::start(&[]);
    let streams = shared(&server).await;
    let (new, late) = (item("a"), item("b"));
    streams.add_stream_item([1, 2], new.clone()).await.unwrap();
    server.cli(&["config", "set", "maxmemory", "1"]);
    let error = streams.add_stream_item([1, 2], late).await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Backend, false), "{error:?}");
    assert_eq!(streams.delete_stream(1).await.unwrap(), 1);
    assert_eq!(members(&server, &new), 1);
    assert_eq!(server.cli(&["dbsize"]), "2");
}

#[tokio::test]
async fn the_documented_permissions_are_enough() {
    let server = Redis::start(&[]);
    let more =
        ["+get", "+set", "+setrange", "+getrange", "+mget", "+del", "+zremrangebyrank", "+zrem"];
    let config = RedisConfig::new().with_shared_content_min_len(MIN_LEN);
    let streams = connect_with(&server.restricted(&more), config).await;
    for _ in 0..2 {
        streams.add_stream_item([1, 2], item("a")).await.unwrap();
    }
    assert_eq!(contents(&streams, 1).await.len(), 2);
    let new = item("b");
    streams.add_stream_item([1, 2], new.clone()).await.unwrap();
    let backend = backend(&server.restricted(&more)).await;
    let removal = RemoveStreamItem::new([1, 2], new.cursor());
    assert_eq!(backend.remove_stream_item(removal).await.unwrap(), 2);
    for user in [1, 2] {
        assert_eq!(streams.delete_stream(user).await.unwrap(), 2);
    }
    assert_eq!(server.cli(&["dbsize"]), "0");
}

#[tokio::test]
async fn an_invalid_option_is_named() {
    let variables = |url: &str, bytes: &str| {
        Settings::from_vars([
            ("USER_STREAMS_BACKEND", url),
            ("USER_STREAMS_REDIS_SHARED_CONTENT_MIN_LEN", bytes),
        ])
    };
    let server = Redis::any();
    for (url, bytes, name) in [
        // Without asking a server whether it is a cluster.
        ("redis-cluster://127.0.0.1:1", "100", "shared_content_min_len"),
        (&*server.url(), "many", "USER_STREAMS_REDIS_SHARED_CONTENT_MIN_LEN"),
    ] {
        let error = Streams::connect(variables(url, bytes).unwrap()).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.is_retryable()),
            (ErrorKind::InvalidSettings, false),
            "{error:?}"
        );
        assert!(error.message().contains(name), "{error}");
    }
    let streams = Streams::connect(variables(&server.url(), "100").unwrap()).await.unwrap();
    streams.add_stream_item([1, 2], item("a")).await.unwrap();
    assert_eq!(server.cli(&["dbsize"]), "3");
}
