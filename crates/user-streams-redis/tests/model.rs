//! The backend beside the reference backend of core, step by step with seeded random operations.
//!
//! `cargo test -p user-streams-redis --test model`

mod common;
#[path = "model/optional.rs"]
mod optional;

use std::{collections::HashSet, sync::Arc};

use chrono::{DateTime, Utc};
use common::{AnyCluster, Redis};
use fastrand::Rng;
use optional::Both;
use user_streams_core::{
    Cursor, ItemId, MemoryBackend, MemoryConfig, NewItem, StreamItem, UserId, UserIdKind,
    backend::{AddStreamItem, Backend, CountQuery, DeleteStream, Position, StreamQuery},
    time,
};
use user_streams_redis::{RedisBackend, RedisConfig};

const USERS: i64 = 12;

/// How many members the compact encoding has at most, by the name that Redis 6.2 knows and later
/// ones still take.
const COMPACT: &str = "--zset-max-ziplist-entries";

/// Whether an item may be added again with different content, which is refused if it is shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    Any,
    OnePerItem,
}

fn at(us: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(us).unwrap()
}

fn item(random: &mut Rng, mode: Content) -> NewItem {
    // Few instants and few ids, so that both meet often.
    let us = *random
        .choice(&[time::MIN_MICROS, -1, 0, 1, 1_732_262_400_123_456, time::MAX_MICROS])
        .unwrap();
    let id = *random.choice(&[1, 255, 256, 257, 65_536, i64::MAX - 1, i64::MAX]).unwrap_or(&1);
    let id = if random.bool() { random.i64(1..300) } else { id };
    // Often of the same content; in that mode an item has one content only.
    let mut of_the_item = Rng::with_seed(us.cast_unsigned() ^ id.cast_unsigned());
    let random = if mode == Content::OnePerItem { &mut of_the_item } else { random };
    let content =
        ["", "a", "☃", "b\n\"c\"", "\u{10FFFF}"][random.usize(..5)].repeat(random.usize(..30));
    NewItem::new(content).with_created_at(&at(us)).with_id(ItemId::try_from(id).unwrap())
}

async fn page(backend: &dyn Backend, user: i64, position: Position, limit: u64) -> Vec<StreamItem> {
    let query = StreamQuery::new(UserId::Int(user), limit).with_position(position);
    backend.get_stream_items(query).await.unwrap()
}

async fn compare(redis: Arc<dyn Backend>, seed: u64, steps: usize, mode: Content) {
    let memory: Arc<dyn Backend> = Arc::new(MemoryBackend::new(MemoryConfig::new()));
    let mut random = Rng::with_seed(seed);
    let mut items = vec![item(&mut random, mode)];
    for step in 0..steps {
        let context = format!("seed {seed}, step {step}");
        match random.u32(..100) {
            0..30 => {
                let new = if random.u32(..4) == 0 {
                    random.choice(&items).unwrap().clone()
                } else {
                    item(&mut random, mode)
                };
                let users: Vec<i64> =
                    (0..random.usize(..5)).map(|_| random.i64(0..USERS)).collect();
                let mut delivered = Vec::new();
                for backend in [&memory, &redis] {
                    let args = AddStreamItem::new(users.clone(), new.clone()).unwrap();
                    delivered.push(backend.add_stream_item(args).await.unwrap().delivered);
                }
                assert_eq!(delivered[0], delivered[1], "{context}: {new:?} to {users:?}");
                items.push(new);
            }
            30..65 => {
                let user = random.i64(0..USERS);
                let near = random.choice(&items).unwrap().cursor();
                let near = if random.bool() {
                    near
                } else {
                    Cursor::new(near.created_at(), ItemId::try_from(random.i64(1..300)).unwrap())
                };
                let position = match random.u32(..3) {
                    0 => Position::Offset(
                        *random.choice(&[0, 1, 5, 60, u64::MAX - 1, u64::MAX]).unwrap(),
                    ),
                    1 => Position::After(near),
                    _ => Position::Before(near),
                };
                let limit = *random.choice(&[0, 1, 2, 7, 50, u64::MAX]).unwrap();
                let expected = page(&*memory, user, position, limit).await;
                assert_eq!(
                    page(&*redis, user, position, limit).await,
                    expected,
                    "{context}: {position:?} {limit}"
                );
            }
            65..69 => {
                let user = UserId::Int(random.i64(0..USERS));
                let expected =
                    memory.count_stream_items(CountQuery::new(user.clone())).await.unwrap();
                assert_eq!(
                    redis.count_stream_items(CountQuery::new(user)).await.unwrap(),
                    expected,
                    "{context}"
                );
            }
            69 => {
                let user = UserId::Int(random.i64(0..USERS));
                let expected = memory.delete_stream(DeleteStream::new(user.clone())).await.unwrap();
                assert_eq!(
                    redis.delete_stream(DeleteStream::new(user)).await.unwrap(),
                    expected,
                    "{context}"
                );
            }
            _ => {
                let (memory, redis) = (&*memory, &*redis);
                Both { memory, redis, items: &items, context: &context }.step(&mut random).await;
            }
        }
    }
    let (memory, redis) = (&*memory, &*redis);
    let context = format!("seed {seed}, at the end");
    Both { memory, redis, items: &items, context: &context }.compare_users().await;
}

async fn connect(url: &str, prefix: &str) -> Arc<dyn Backend> {
    Arc::new(RedisBackend::connect(url, RedisConfig::new().with_key_prefix(prefix)).await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_server_behaves_as_the_model() {
    // Streams outgrow the compact encoding at 5 members in one half of the runs.
    for server in [Redis::start(&[COMPACT, "5"]), Redis::any()] {
        for seed in 0..4 {
            let backend = connect(&server.url(), &format!("seed{seed}")).await;
            compare(backend, seed, 2_500, Content::Any).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_shared_content_it_behaves_as_the_model() {
    let server = Redis::start(&[COMPACT, "20"]);
    for (seed, min_len) in [(20, 0), (21, 0), (22, 10), (23, 10)] {
        let prefix = format!("seed{seed}");
        let config =
            RedisConfig::new().with_key_prefix(&prefix).with_shared_content_min_len(min_len);
        let backend = RedisBackend::connect(&server.url(), config).await.unwrap();
        compare(Arc::new(backend), seed, 2_500, Content::OnePerItem).await;
        server.assert_counts(&prefix);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_behaves_as_the_model() {
    let cluster = AnyCluster::get();
    for seed in 10..14 {
        let backend = connect(&cluster.url(), &format!("{}:seed{seed}", cluster.prefix())).await;
        compare(backend, seed, 1_500, Content::Any).await;
    }
}

/// Pages of 7 over 1,000 items of one instant, both ways: each item once, in order.
#[tokio::test]
async fn a_thousand_items_of_one_timestamp_are_paged_exactly() {
    let server = Redis::any();
    let backend = connect(&server.url(), "ties").await;
    let mut expected = Vec::new();
    for (us, items) in [(999, 20), (1_000, 1_000), (1_001, 20)] {
        for number in 0..items {
            let new = NewItem::new(format!("item {number}")).with_created_at(&at(us));
            expected.push(new.cursor());
            backend.add_stream_item(AddStreamItem::new(7, new).unwrap()).await.unwrap();
        }
    }
    expected.reverse();
    let mut seen: Vec<Cursor> =
        page(&*backend, 7, Position::Offset(0), 7).await.iter().map(StreamItem::cursor).collect();
    loop {
        let next = page(&*backend, 7, Position::After(*seen.last().unwrap()), 7).await;
        if next.is_empty() {
            break;
        }
        seen.extend(next.iter().map(StreamItem::cursor));
    }
    assert_eq!(seen, expected);
    let mut back = vec![*seen.last().unwrap()];
    loop {
        let mut before = page(&*backend, 7, Position::Before(*back.last().unwrap()), 7).await;
        if before.is_empty() {
            break;
        }
        before.reverse();
        back.extend(before.iter().map(StreamItem::cursor));
    }
    back.reverse();
    assert_eq!(back, expected);
}

/// The same timestamp and id with different content is not a second item; another timestamp or
/// another id is.
#[tokio::test]
async fn timestamp_and_id_alone_identify_an_item() {
    let server = Redis::any();
    let backend = connect(&server.url(), "place").await;
    let id = |id| ItemId::try_from(id).unwrap();
    let add = async |us, number, content: &str, users: &[i64]| {
        let new = NewItem::new(content).with_created_at(&at(us)).with_id(id(number));
        let args = AddStreamItem::new(users, new).unwrap();
        backend.add_stream_item(args).await.unwrap().delivered
    };
    assert_eq!(add(5, 9, "first", &[1, 2, 2]).await, 2);
    assert_eq!(add(5, 9, "first", &[1, 2, 3]).await, 1);
    for content in ["", "a", "first and more", "zzz"] {
        assert_eq!(add(5, 9, content, &[1]).await, 0);
    }
    assert_eq!(add(6, 9, "first", &[1]).await, 1);
    assert_eq!(add(5, 8, "first", &[1]).await, 1);
    assert_eq!(add(5, 10, "first", &[1]).await, 1);
    let seen: HashSet<_> = page(&*backend, 1, Position::Offset(0), 99)
        .await
        .into_iter()
        .map(|item| (item.id.get(), item.content))
        .collect();
    assert_eq!(
        seen,
        [(9, "first"), (8, "first"), (10, "first")].map(|(id, text)| (id, text.to_owned())).into()
    );
    assert_eq!(page(&*backend, 1, Position::Offset(0), 99).await.len(), 4);
}

#[tokio::test]
async fn the_layout_is_as_documented() {
    let server = Redis::any();
    let config = RedisConfig::new().with_user_id(UserIdKind::Text);
    let backend = RedisBackend::connect(&server.url(), config).await.unwrap();
    let new = NewItem::new("hello")
        .with_created_at(&at(1_732_262_400_123_456))
        .with_id(ItemId::try_from(258).unwrap());
    backend.add_stream_item(AddStreamItem::new("a{b}", new).unwrap()).await.unwrap();
    assert_eq!(server.cli(&["keys", "*"]), "user_streams:stream:a%7Bb%7D");
    assert_eq!(server.cli(&["type", "user_streams:stream:a%7Bb%7D"]), "zset");
    // The sort key: the timestamp with its sign bit flipped (0x8006277B C5046240 is
    // 1732262400123456), then the id.
    let stored = server.cli(&[
        "--no-raw",
        "zrange",
        "user_streams:stream:a%7Bb%7D",
        "0",
        "-1",
        "withscores",
    ]);
    assert_eq!(
        stored,
        "1) \"\\x80\\x06'{\\xc5\\x04b@\\x00\\x00\\x00\\x00\\x00\\x00\\x01\\x02hello\"\n2) \
         \"1732262400123456\""
    );
}
