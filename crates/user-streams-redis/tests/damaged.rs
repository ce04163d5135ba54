//! What something else has written at our keys, and what was lost: it is named, passed over where
//! that is wanted, and can be deleted.
//!
//! `cargo test -p user-streams-redis --test damaged`

mod common;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use chrono::DateTime;
use common::{AnyCluster, Redis, streams::connect_with};
use user_streams_core::{
    Cursor, Error, ErrorKind, ItemId, NewItem, OnCorrupt, Recipients, StreamItem, Streams,
};
use user_streams_redis::RedisConfig;

const MIN_LEN: usize = 100;

async fn connect(server: &Redis, on_corrupt: OnCorrupt) -> Streams {
    let config =
        RedisConfig::new().with_on_corrupt(on_corrupt).with_shared_content_min_len(MIN_LEN);
    connect_with(&server.url(), config).await
}

async fn failing(server: &Redis) -> Streams {
    connect(server, OnCorrupt::Fail).await
}

async fn skipping(server: &Redis) -> Streams {
    connect(server, OnCorrupt::Skip).await
}

/// A new backend expects long content, and reads by the script alone. Reads of short content teach
/// it to read by plain ranges.
async fn warm(streams: &Streams) {
    streams.add_stream_item(999_999, "short").await.unwrap();
    for _ in 0..2_000 {
        assert!(!streams.get_stream_items(999_999).slice(0..20).await.unwrap().is_empty());
    }
}

fn item(us: i64, id: i64, content: &str) -> NewItem {
    NewItem::new(content)
        .with_created_at(&DateTime::from_timestamp_micros(us).unwrap())
        .with_id(ItemId::try_from(id).unwrap())
}

/// Adds a member that is written as a literal of Lua.
fn zadd(server: &Redis, user: i64, score: &str, member: &str) {
    let key = format!("user_streams:stream:{user}");
    let script = format!("return redis.call('ZADD', KEYS[1], ARGV[1], {member})");
    assert_eq!(server.cli(&["eval", &script, "1", &key, score]), "1");
}

/// A member as this library writes it, as an expression of Lua.
fn member(us: i64, id: i64, content: &str) -> String {
    let high = (us >> 32) + (1 << 31);
    let (low, id_high, id_low) = (us & 0xFFFF_FFFF, id >> 32, id & 0xFFFF_FFFF);
    format!("struct.pack('>I4I4I4I4', {high}, {low}, {id_high}, {id_low}) .. {content}")
}

#[track_caller]
fn assert_corrupt(error: &Error, parts: &[&str]) {
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Corrupt, false), "{error:?}");
    for part in parts {
        assert!(error.message().contains(part), "{part}: {error}");
    }
}

fn contents(items: &[StreamItem]) -> Vec<&str> {
    items.iter().map(|item| item.content.as_str()).collect()
}

/// One item on either side of what is damaged.
async fn between(server: &Redis, user: i64, score: &str, damaged: &str) {
    let streams = failing(server).await;
    streams.add_stream_item(user, item(3_000, 1, "newer")).await.unwrap();
    streams.add_stream_item(user, item(1_000, 1, "older")).await.unwrap();
    zadd(server, user, score, damaged);
}

#[tokio::test]
async fn each_kind_of_damage_is_named_with_its_key_user_and_place_and_can_be_passed_or_deleted() {
    let server = Redis::any();
    let (fail, skip) = (failing(&server).await, skipping(&server).await);
    let original = "'0f1e2d3c4b5a69788796a5b4c3d2e1f0Hello'".to_owned();
    let shared = "'\\0'";
    let too_high = member(9_000, 1, "'a'");
    for streams in [&fail, &skip] {
        warm(streams).await;
    }
    for (user, (damaged, why)) in (1..).zip([
        ("'x'".to_owned(), "too short"),
        ("''".to_owned(), "too short"),
        ("'fifteen bytes..'".to_owned(), "too short"),
        (original, "django-user-streams"),
        ("'sixteen bytes or more'".to_owned(), "date is out of range"),
        (member(2_000, 0, "'a'"), "id is out of range"),
        (member(2_000, 1, "'\\255'"), "not UTF-8"),
        (member(2_000, 1, shared), "shared content is missing"),
        // Above and below its place.
        (member(500, 1, "'a'"), "score is not its date"),
        (too_high.clone(), "score is not its date"),
    ]) {
        between(&server, user, "2000", &damaged).await;
        let items = fail.get_stream_items(user);
        let (newer, older) = (item(3_000, 1, "").cursor(), item(1_000, 1, "").cursor());
        let key = format!("`user_streams:stream:{user}`");
        let whose = format!("user {user} ");
        let parts = [&key, &whose, why, "0x", "bytes", "repair_stream", "on_corrupt"];
        // Alone it cannot be seen to be too high; the page before it ends with an error.
        if damaged != too_high {
            assert_corrupt(&items.slice(1..2).await.unwrap_err(), &parts);
        }
        for error in [
            items.clone().await.unwrap_err(),
            items.slice(0..2).await.unwrap_err(),
            items.cursor_page(2).after(newer).await.unwrap_err(),
            items.cursor_page(2).before(older).await.unwrap_err(),
        ] {
            assert_corrupt(&error, &parts);
            assert!(error.message().contains("rank 1 from the"), "{error}");
        }
        assert_eq!(items.count().await.unwrap(), 3);

        let items = skip.get_stream_items(user);
        assert_eq!(contents(&items.clone().await.unwrap()), ["newer", "older"], "{why}");
        // As many as asked for; offsets count what is stored.
        assert_eq!(contents(&items.slice(0..2).await.unwrap()), ["newer", "older"]);
        if damaged != too_high {
            assert_eq!(contents(&items.slice(1..2).await.unwrap()), ["older"]);
        }
        assert_eq!(contents(&items.slice(2..5).await.unwrap()), ["older"]);
        for (page, expected) in [
            (items.cursor_page(1), "newer"),
            (items.cursor_page(1).after(newer), "older"),
            (items.cursor_page(1).before(older), "newer"),
        ] {
            assert_eq!(contents(&page.await.unwrap().items), [expected], "{why}");
        }
        assert_eq!(items.count().await.unwrap(), 3);

        assert_eq!(fail.repair_stream(user).await.unwrap(), 1, "{why}");
        assert_eq!(contents(&fail.get_stream_items(user).await.unwrap()), ["newer", "older"]);
        assert_eq!(fail.repair_stream(user).await.unwrap(), 0, "{why}");
        assert_eq!(fail.get_stream_items(user).count().await.unwrap(), 2);
    }
}

/// The last item of a page is in its place, or the page after it would miss some.
#[tokio::test]
async fn an_item_at_the_wrong_score_hides_no_other_from_pages_by_cursor() {
    let server = Redis::any();
    let (fail, skip) = (failing(&server).await, skipping(&server).await);
    for us in 1..=40 {
        fail.add_stream_item(1, item(us * 100, 1, &us.to_string())).await.unwrap();
    }
    for streams in [&fail, &skip] {
        warm(streams).await;
    }
    // With the date of the sixth, at the end of the third page.
    zadd(&server, 1, "2601", &member(650, 1, "'stray'"));
    let items = fail.get_stream_items(1);
    let page = items.cursor_page(5).await.unwrap();
    let page = items.cursor_page(5).after(page.next.unwrap()).await.unwrap();
    let error = items.cursor_page(5).after(page.next.unwrap()).await.unwrap_err();
    assert_corrupt(&error, &["score is not its date"]);
    let items = skip.get_stream_items(1);
    let (mut read, mut cursor) = (Vec::new(), None);
    loop {
        let page = match cursor {
            None => items.cursor_page(5).await.unwrap(),
            Some(cursor) => items.cursor_page(5).after(cursor).await.unwrap(),
        };
        read.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    let expected: Vec<_> = (1..=40).rev().map(|number| number.to_string()).collect();
    assert_eq!(contents(&read), expected);
}

/// Long and short content, damage of each kind, many of one timestamp: read from every place.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_part_of_a_damaged_stream_is_read_exactly() {
    let server = Redis::any();
    let streams = skipping(&server).await;
    let mut random = fastrand::Rng::with_seed(6);
    for user in 1..=3 {
        let mut expected: Vec<(Cursor, String)> = Vec::new();
        let mut stored: Vec<bool> = Vec::new();
        let mut ranked: Vec<((i64, Vec<u8>), bool)> = Vec::new();
        for number in 0..120_i64 {
            let us = random.i64(0..12) * 1_000;
            let id = number + 1;
            if random.u8(..4) == 0 {
                // Below or above the items of its score.
                let bytes = *random.choice(&["\\0", "\\255", "\\128\\0"]).unwrap();
                let text = format!("'{bytes}{number}'");
                zadd(&server, user, &us.to_string(), &text);
                let head: &[u8] = match bytes {
                    "\\0" => &[0],
                    "\\255" => &[255],
                    _ => &[128, 0],
                };
                let member = [head, number.to_string().as_bytes()].concat();
                ranked.push(((us, member), false));
                continue;
            }
            let length = match random.u8(..12) {
                0 if user == 1 => 300_000,
                1 if user < 3 => 40_000,
                _ => random.usize(1..60),
            };
            let content = format!("{number}:{}", "a".repeat(length));
            let new = item(us, id, &content);
            let users = if random.bool() { vec![user] } else { vec![user, 1_000] };
            streams.add_stream_item(users, new.clone()).await.unwrap();
            let mut key = (us.cast_unsigned() ^ (1 << 63)).to_be_bytes().to_vec();
            key.extend(id.to_be_bytes());
            ranked.push(((us, key), true));
            expected.push((new.cursor(), content));
        }
        expected.sort();
        expected.reverse();
        ranked.sort();
        ranked.reverse();
        stored.extend(ranked.iter().map(|(_, is_item)| *is_item));

        if user == 3 {
            warm(&streams).await;
        }
        let items = streams.get_stream_items(user);
        assert_eq!(items.count().await.unwrap(), 120);
        let same = |read: &[StreamItem], expected: &[(Cursor, String)], what: &str| {
            let read: Vec<_> =
                read.iter().map(|item| (item.cursor(), item.content.as_str())).collect();
            let expected: Vec<_> =
                expected.iter().map(|(cursor, content)| (*cursor, content.as_str())).collect();
            assert!(read == expected, "{what}: {} of {}", read.len(), expected.len());
        };
        same(&items.clone().await.unwrap(), &expected, "all");
        for offset in 0..=120 {
            let limit = *random.choice(&[1, 2, 20, 100]).unwrap();
            let before = stored[..offset].iter().filter(|is_item| **is_item).count();
            let part = &expected[before..expected.len().min(before + limit)];
            let read = items.slice(offset..offset + limit).await.unwrap();
            same(&read, part, &format!("{user}: {limit} at {offset}"));
        }
        for at in 0..expected.len() {
            let limit = *random.choice(&[1, 2, 20, 100]).unwrap();
            let cursor = expected[at].0;
            let after = items.cursor_page(limit).after(cursor).await.unwrap().items;
            let end = expected.len().min(at + 1 + limit);
            same(&after, &expected[at + 1..end], &format!("{user}: {limit} after {at}"));
            let before = items.cursor_page(limit).before(cursor).await.unwrap().items;
            same(&before, &expected[at.saturating_sub(limit)..at], &format!("{limit} before {at}"));
        }
        let damaged = stored.iter().filter(|is_item| !**is_item).count() as u64;
        assert!(damaged > 10, "{damaged}");
        assert_eq!(streams.repair_stream(user).await.unwrap(), damaged);
        same(&items.clone().await.unwrap(), &expected, "repaired");
        assert_eq!(items.count().await.unwrap(), expected.len());
    }
    server.assert_counts("user_streams");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repair_beside_adds_and_deletions_deletes_what_is_damaged_alone() {
    let server = Redis::any();
    let streams = failing(&server).await;
    let stop = Arc::new(AtomicBool::new(false));
    let long = "a".repeat(2 * MIN_LEN);
    let busy = tokio::spawn({
        let (streams, stop, long) = (streams.clone(), Arc::clone(&stop), long.clone());
        async move {
            let mut kept = 0;
            while !stop.load(Ordering::Relaxed) {
                // Deleted and added again: its content is away for a moment.
                let new = item(1_000, 1, &long);
                streams.add_stream_item([2, 3], new).await.unwrap();
                streams.delete_stream(2).await.unwrap();
                streams.delete_stream(3).await.unwrap();
                streams.add_stream_item([1, 4], NewItem::new(long.as_str())).await.unwrap();
                kept += 1;
            }
            kept
        }
    });
    let mut repaired = 0;
    for round in 0..40 {
        for number in 0..20 {
            zadd(&server, 1, &round.to_string(), &format!("'damaged {round} {number}'"));
        }
        repaired += streams.repair_stream(1).await.unwrap();
        assert_eq!(streams.repair_stream(2).await.unwrap(), 0);
    }
    stop.store(true, Ordering::Relaxed);
    let kept = busy.await.unwrap();
    assert_eq!(repaired, 800);
    assert!(kept > 10, "{kept}");
    for user in [1, 4] {
        assert_eq!(streams.get_stream_items(user).await.unwrap().len(), kept, "{user}");
    }
    server.assert_counts("user_streams");
}

#[tokio::test]
async fn a_key_of_another_type_is_named_passed_over_and_deleted() {
    let server = Redis::any();
    let (fail, skip) = (failing(&server).await, skipping(&server).await);
    let plain = connect_with(&server.url(), RedisConfig::new()).await;
    let key = "user_streams:stream:7";
    for (number, streams) in (0..).zip([&fail, &plain, &fail, &skip]) {
        server.cli(&["rpush", key, "a", "b"]);
        let items = streams.get_stream_items(7);
        if number < 3 {
            for error in [
                items.clone().await.unwrap_err(),
                items.cursor_page(2).after(item(1, 1, "").cursor()).await.unwrap_err(),
                items.count().await.unwrap_err(),
            ] {
                assert_corrupt(&error, &["`user_streams:stream:7`", "user 7", "not a sorted set"]);
            }
        } else {
            assert_eq!(items.clone().await.unwrap(), []);
            assert_eq!(items.count().await.unwrap(), 0);
        }
        let error = streams.add_stream_item(7, "item").await.unwrap_err();
        assert_corrupt(&error, &["not a sorted set: 7;", "0 received the item"]);
        let deleted = match number {
            2 => streams.repair_stream(7).await,
            _ => streams.delete_stream(7).await,
        };
        assert_eq!(deleted.unwrap(), 1);
        assert_eq!(server.cli(&["exists", key]), "0");
        assert_eq!(streams.delete_stream(7).await.unwrap(), 0);
        assert_eq!(streams.repair_stream(7).await.unwrap(), 0);
    }
    // A stream stays.
    fail.add_stream_item(7, "item").await.unwrap();
    assert_eq!(fail.repair_stream(7).await.unwrap(), 0);
    assert_eq!(fail.get_stream_items(7).count().await.unwrap(), 1);
}

/// Whom it did not reach, wherever they are: in one script, over several batches.
async fn broadcast_past_foreign_keys(streams: &Streams, write: impl Fn(i64)) {
    let foreign = [3, 4, 700, 1_500, 2_999, 5_000, 5_001, 5_002, 5_003, 7_000, 11_000, 19_999];
    foreign.into_iter().for_each(write);
    for users in [20_000_i64, 5, 1_000] {
        let unreached: Vec<_> = foreign.into_iter().filter(|user| *user < users).collect();
        let new = NewItem::new("a".repeat(2 * MIN_LEN));
        let all = Recipients::iter(0..users);
        let error = streams.add_stream_item(all, new.clone()).await.unwrap_err();
        let reached = users - i64::try_from(unreached.len()).unwrap();
        let mut named: Vec<_> = unreached.iter().take(10).map(ToString::to_string).collect();
        if users < 1_001 {
            let list = format!("set: {};", named.join(", "));
            assert_corrupt(&error, &[&list]);
        } else {
            // In the order in which batches end.
            named.truncate(8);
            assert_corrupt(&error, &["and 2 more"]);
        }
        assert_corrupt(
            &error,
            &[
                &format!("{} of the recipients could not be reached", unreached.len()),
                &format!("{reached} received the item"),
                "repair_stream",
            ],
        );
        for user in (0..users).step_by(97).chain([2, 5.min(users - 1)]) {
            if !foreign.contains(&user) {
                let newest = streams.get_stream_items(user).get(0).await.unwrap().unwrap();
                assert_eq!(newest.id, new.id(), "{user}");
            }
        }
    }
    // Afterwards the same item reaches them.
    for user in [3, 4] {
        assert_eq!(streams.repair_stream(user).await.unwrap(), 1);
    }
    let new = NewItem::new("again");
    assert_eq!(streams.add_stream_item([2, 3, 4], new).await.unwrap().delivered, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broadcast_goes_on_past_keys_of_another_type_and_says_whom_it_did_not_reach() {
    for streams in [
        |server: &Redis| (RedisConfig::new(), server.url()),
        |server: &Redis| (RedisConfig::new().with_shared_content_min_len(MIN_LEN), server.url()),
    ] {
        let server = Redis::any();
        let (config, url) = streams(&server);
        let streams = connect_with(&url, config).await;
        broadcast_past_foreign_keys(&streams, |user| {
            server.cli(&["set", &format!("user_streams:stream:{user}"), "no sorted set"]);
        })
        .await;
        server.assert_counts("user_streams");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broadcast_in_a_cluster_goes_on_past_keys_of_another_type() {
    let cluster = AnyCluster::get();
    let config = RedisConfig::new().with_key_prefix(cluster.prefix());
    let streams = connect_with(&cluster.url(), config).await;
    let url = cluster.url().replacen("-cluster", "", 1);
    let url = url.split('?').next().unwrap().to_owned();
    broadcast_past_foreign_keys(&streams, |user| {
        let key = format!("{}:stream:{user}", cluster.prefix());
        let output = common::redis_cli()
            .args(["-c", "-u", &url, "set", &key, "no sorted set"])
            .output()
            .unwrap();
        assert!(output.status.success());
    })
    .await;
}

#[tokio::test]
async fn damaged_members_do_not_stop_a_deletion_half_way() {
    let server = Redis::start(&[]);
    let streams = failing(&server).await;
    let long = |letter: &str| letter.repeat(2 * MIN_LEN);
    for us in [1_000, 2_000, 3_000] {
        streams.add_stream_item([1, 2], item(us, 7, &long("a"))).await.unwrap();
    }
    let content = "user_streams:content:2000:7";
    for (score, damaged) in [
        ("-inf", "'x'".to_owned()),
        ("inf", "''".to_owned()),
        ("1500", member(1_500, 0, "'\\0'")),
        ("2500", "'seventeen bytes.\\0'".to_owned()),
        ("2501", "string.rep('\\255', 16) .. '\\0'".to_owned()),
        ("1e300", member(1, 1, "'\\0'")),
    ] {
        zadd(&server, 1, score, &damaged);
    }
    server.cli(&["del", content]);
    server.cli(&["hset", content, "a", "b"]);
    assert_eq!(streams.delete_stream(1).await.unwrap(), 9);
    assert_eq!(server.cli(&["exists", "user_streams:stream:1"]), "0");
    // The count of the others is right, and what is at the foreign key stays.
    assert_eq!(server.cli(&["getrange", "user_streams:content:1000:7", "0", "9"]), "0000000001");
    assert_eq!(server.cli(&["hget", content, "a"]), "b");

    // A login that lacks a permission is told so, and the stream is gone.
    let login = server.restricted_to("user_streams", &["+get", "+getrange", "+zremrangebyrank"]);
    let config = RedisConfig::new().with_shared_content_min_len(MIN_LEN);
    let restricted = connect_with(&login, config).await;
    let error = restricted.delete_stream(2).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Backend, "{error:?}");
    assert_eq!(streams.get_stream_items(2).count().await.unwrap(), 0);
}

#[tokio::test]
async fn a_foreign_value_at_the_key_of_shared_content_is_named_and_stores_nothing() {
    let server = Redis::any();
    let streams = failing(&server).await;
    let new = item(1_000, 7, &"a".repeat(2 * MIN_LEN));
    let key = "user_streams:content:1000:7";
    for write in [&["hset", key, "a", "b"][..], &["set", key, "no digits"]] {
        server.cli(&["del", key]);
        server.cli(write);
        for users in [1..3, 1..5_000] {
            let error =
                streams.add_stream_item(Recipients::iter(users), new.clone()).await.unwrap_err();
            assert_corrupt(&error, &[key]);
        }
        assert_eq!(server.cli(&["dbsize"]), "1");
    }
}

/// The last word is the script's: what has been repaired since it was found damaged stays.
#[test]
fn a_member_whose_content_or_score_is_right_again_is_not_deleted() {
    let server = Redis::any();
    let repair = |content: &str, score: &str| {
        let script = include_str!("../src/scripts/repair.lua");
        server.cli(&["eval", script, "1", "stream", "content:", "member", score, content])
    };
    server.cli(&["zadd", "stream", "5", "member"]);
    server.cli(&["set", "content:1:1", "0000000001content"]);
    assert_eq!(repair("1:1", "5"), "0");
    assert_eq!(repair("", "6"), "0");
    assert_eq!(server.cli(&["zcard", "stream"]), "1");
    server.cli(&["set", "content:1:1", "short"]);
    assert_eq!(repair("1:1", "5"), "1");
    assert_eq!(server.cli(&["exists", "stream"]), "0");
}
