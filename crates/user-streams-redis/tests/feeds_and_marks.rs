//! Named feeds and marks: what they are stored as, whom they leave alone, and what happens to those
//! that something else has written.
//!
//! `cargo test -p user-streams-redis --test feeds_and_marks`

mod common;

use std::sync::Arc;

use common::{
    AnyCluster, Redis,
    streams::{backend_with, config},
};
use futures_util::future::join_all;
use user_streams_core::{
    Cursor, ErrorKind, ItemId, Name, NewItem, UserIdKind,
    backend::{
        AddStreamItem, Backend, Capability, CountNewer, CountQuery, DeleteRange, DeleteStream,
        MarkQuery, RemoveStreamItem, SetMark,
    },
};

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn place(us: i64, id: i64) -> Cursor {
    let at = chrono::DateTime::from_timestamp_micros(us).unwrap();
    Cursor::new(at, ItemId::try_from(id).unwrap())
}

async fn set(backend: &dyn Backend, user: i64, to: Cursor) -> bool {
    backend.set_mark(SetMark::new(user.into(), name("seen"), to)).await.unwrap()
}

async fn mark(backend: &dyn Backend, user: i64) -> Option<Cursor> {
    backend.mark(MarkQuery::new(user.into(), name("seen"))).await.unwrap()
}

#[tokio::test]
async fn the_keys_are_as_documented() {
    let server = Redis::any();
    let backend = backend_with(&server.url(), config()).await;
    let news = backend.feed(&name("news"), UserIdKind::BigInt).unwrap();
    for backend in [&backend, &news] {
        assert!(set(&**backend, 42, place(1_732_262_400_123_456, 258)).await);
        let args = AddStreamItem::new(42, "item").unwrap();
        backend.add_stream_item(args).await.unwrap();
    }
    let all = server.cli(&["keys", "*"]);
    let mut keys: Vec<_> = all.lines().collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        [
            "user_streams:feed:news:mark:{user_streams:feed:news:stream:42}",
            "user_streams:feed:news:stream:42",
            "user_streams:mark:{user_streams:stream:42}",
            "user_streams:stream:42"
        ]
    );
    let stored = server.cli(&["--no-raw", "hgetall", keys[2]]);
    assert_eq!(
        stored,
        "1) \"seen\"\n2) \"\\x80\\x06'{\\xc5\\x04b@\\x00\\x00\\x00\\x00\\x00\\x00\\x01\\x02\""
    );
    // Marks that are removed leave no key behind.
    for backend in [&backend, &news] {
        let removal = SetMark::remove(42.into(), name("seen"));
        assert!(backend.set_mark(removal).await.unwrap());
    }
    assert_eq!(server.cli(&["keys", "*mark*"]), "");
}

/// Two backends, 32 tasks each: each call says whether it moved the mark, and in the order of the
/// moves the mark goes forward alone.
async fn marks_set_by_many(url: &str, prefix: &str) {
    let config = config().with_key_prefix(prefix);
    let backends = [backend_with(url, config.clone()).await, backend_with(url, config).await];
    for user in 0..10 {
        let tasks = (0..64).map(|task: i64| {
            let backend = Arc::clone(&backends[usize::try_from(task % 2).unwrap()]);
            tokio::spawn(async move {
                let mut moved = 0;
                for step in 0..20 {
                    let to = place((task * 31 + step * 17) % 200, 1 + (task * 7 + step) % 300);
                    moved += u64::from(set(&*backend, user, to).await);
                    assert!(mark(&*backend, user).await >= Some(to));
                }
                moved
            })
        });
        let moved: u64 = join_all(tasks).await.into_iter().map(Result::unwrap).sum();
        let places = (0..64).flat_map(|task| (0..20).map(move |step| (task, step)));
        let furthest = places
            .map(|(task, step)| place((task * 31 + step * 17) % 200, 1 + (task * 7 + step) % 300))
            .max();
        assert_eq!(mark(&*backends[0], user).await, furthest);
        assert!((1..=64 * 20).contains(&moved), "{moved}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn marks_set_by_many_tasks_stay_at_the_furthest_place() {
    marks_set_by_many(&Redis::any().url(), "test").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn marks_in_a_cluster_set_by_many_tasks_stay_at_the_furthest_place() {
    let cluster = AnyCluster::get();
    marks_set_by_many(&cluster.url(), cluster.prefix()).await;
}

/// Whatever is done in one, the keys of the others stay byte by byte.
#[tokio::test]
async fn what_is_done_in_one_feed_leaves_the_keys_of_the_others() {
    let server = Redis::any();
    let config = config().with_shared_content_min_len(1);
    let main = backend_with(&server.url(), config).await;
    let feed = |feed: &str| main.feed(&name(feed), UserIdKind::BigInt).unwrap();
    let all = [Arc::clone(&main), feed("news"), feed("stream"), feed("main")];
    let items = [NewItem::new("one"), NewItem::new("two"), NewItem::new("three")];
    for backend in &all {
        for item in &items {
            let args = AddStreamItem::new([1, 2, 3], item.clone()).unwrap();
            backend.add_stream_item(args).await.unwrap();
        }
        assert!(set(&**backend, 1, items[0].cursor()).await);
    }
    let dump = |pattern: &str| {
        let keys = server.cli(&["keys", pattern]);
        let mut keys: Vec<_> = keys.lines().map(ToOwned::to_owned).collect();
        keys.sort_unstable();
        let dumps = keys.iter().map(|key| server.cli(&["--no-raw", "dump", key]));
        let dumps: Vec<_> = dumps.collect();
        (keys, dumps)
    };
    let patterns = [
        "user_streams:[scm]*",
        "user_streams:feed:news:*",
        "user_streams:feed:stream:*",
        "user_streams:feed:main:*",
    ];
    let before = patterns.map(dump);
    assert!(before.iter().all(|(keys, _)| keys.len() == 7), "{before:?}");
    for (changed, backend) in all.iter().enumerate() {
        let before = patterns.map(dump);
        let removal = RemoveStreamItem::new([1, 2, 3], items[1].cursor());
        assert_eq!(backend.remove_stream_item(removal).await.unwrap(), 3);
        let range = DeleteRange::new(1.into()).newer_than(items[1].cursor());
        assert_eq!(backend.delete_range(range).await.unwrap(), 1);
        assert!(set(&**backend, 1, items[2].cursor()).await);
        assert_eq!(backend.delete_stream(DeleteStream::new(2.into())).await.unwrap(), 2);
        for (pattern, before) in patterns
            .iter()
            .zip(before)
            .enumerate()
            .filter_map(|(at, both)| (at != changed).then_some(both))
        {
            assert_eq!(dump(pattern), before, "{pattern}");
        }
        assert_ne!(dump(patterns[changed]).0.len(), 7);
    }
}

#[tokio::test]
async fn a_feed_ends_with_its_backend_and_ends_nothing_itself() {
    let server = Redis::any();
    let main = backend_with(&server.url(), config().with_max_waiting(1)).await;
    let news = main.feed(&name("news"), UserIdKind::Text).unwrap();
    let again = main.feed(&name("news"), UserIdKind::Text).unwrap();
    assert!(Arc::ptr_eq(&news, &again));
    let error = main.feed(&name("news"), UserIdKind::Uuid).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error:?}");
    assert!(!news.capabilities().has(Capability::Feeds));
    let error = news.feed(&name("more"), UserIdKind::Text).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:?}");

    let count = || news.count_stream_items(CountQuery::new("ann".into()));
    news.close().await.unwrap();
    assert_eq!(count().await.unwrap(), 0);
    assert_eq!(main.count_stream_items(CountQuery::new(1.into())).await.unwrap(), 0);
    // The limit of calls is one for both.
    let calls = join_all([count(), count(), main.count_stream_items(CountQuery::new(1.into()))]);
    let refused = calls.await.into_iter().filter_map(Result::err);
    assert!(refused.map(|error| error.kind()).eq([ErrorKind::Overloaded; 2]));
    main.ping().await.unwrap();
    news.ping().await.unwrap();
    main.close().await.unwrap();
    let error = count().await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Connection, false), "{error:?}");
    // The feed alone keeps what it needs.
    let main = backend_with(&server.url(), config()).await;
    let news = main.feed(&name("news"), UserIdKind::Text).unwrap();
    drop(main);
    assert_eq!(news.count_stream_items(CountQuery::new("ann".into())).await.unwrap(), 0);
}

#[tokio::test]
async fn a_mark_that_something_else_has_written_is_named_and_can_be_set_anew() {
    let server = Redis::any();
    let backend = backend_with(&server.url(), config()).await;
    let key = "user_streams:mark:{user_streams:stream:7}";
    let read = async || {
        let mark = backend.mark(MarkQuery::new(7.into(), name("seen"))).await.map(drop);
        let newer = CountNewer::than_mark(7.into(), name("seen"));
        [mark, backend.count_newer(newer).await.map(drop)].map(Result::unwrap_err)
    };
    for value in ["", "short", "16 bytes of text", "seventeen bytes."] {
        server.cli(&["hset", key, "seen", value]);
        let [mark, newer] = read().await;
        assert_eq!(mark.kind(), ErrorKind::Corrupt, "{mark:?}");
        for part in [key, "`seen`", "user 7"] {
            assert!(mark.message().contains(part), "{mark}");
        }
        assert_eq!(newer.message(), mark.message(), "{value}");
    }
    for damaged in ["damaged", "zzzzzzzz of text", "0000000000000000"] {
        server.cli(&["hset", key, "seen", damaged]);
        assert!(set(&*backend, 7, place(5, 5)).await, "{damaged}");
        assert_eq!(mark(&*backend, 7).await, Some(place(5, 5)));
    }
    server.cli(&["hset", key, "seen", "damaged"]);
    let removal = SetMark::remove(7.into(), name("seen"));
    assert!(backend.set_mark(removal.clone()).await.unwrap());
    assert_eq!(mark(&*backend, 7).await, None);

    server.cli(&["set", key, "no hash"]);
    for error in read().await.into_iter().chain([backend.set_mark(removal).await.unwrap_err()]) {
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
        assert!(error.message().contains(key), "{error}");
    }
}
