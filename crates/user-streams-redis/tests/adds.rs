//! Adds to single users that come together.
//!
//! `cargo test -p user-streams-redis --test adds`

mod common;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use common::{
    Redis,
    streams::{backend_with, config, connect},
};
use futures_util::{FutureExt, StreamExt, future::join_all};
use tokio::time::timeout;
use user_streams_core::{ErrorKind, NewItem, Streams, UserId};

const ADDS: i64 = 64;

/// How many scripts the server has run.
fn scripts(server: &Redis) -> u64 {
    let stats = server.cli(&["info", "commandstats"]);
    let line = stats.lines().find_map(|line| line.strip_prefix("cmdstat_evalsha:calls="));
    line.map_or(0, |line| line.split(',').next().unwrap().parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_together_is_sent_together() {
    let server = Redis::any();
    let streams = connect(&server.url()).await;
    let before = scripts(&server);
    let adds = (0..ADDS).map(|n| streams.add_stream_item(n % 7, format!("item {n}")).into_future());
    for added in join_all(adds).await {
        assert_eq!(added.unwrap().delivered, 1);
    }
    let scripts = scripts(&server) - before;
    assert!(scripts < ADDS as u64 / 4, "{scripts} scripts for {ADDS} adds");
    let mut contents = Vec::new();
    for user in 0..7 {
        for item in streams.get_stream_items(user).slice(..).await.unwrap() {
            let n: i64 = item.content.strip_prefix("item ").unwrap().parse().unwrap();
            assert_eq!(n % 7, user, "in the stream of another user");
            contents.push(n);
        }
    }
    contents.sort_unstable();
    assert_eq!(contents, (0..ADDS).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_has_its_own_count_and_its_own_error() {
    let server = Redis::any();
    let streams = connect(&server.url()).await;
    let known = NewItem::new("known");
    streams.add_stream_item(1, known.clone()).await.unwrap();
    server.cli(&["set", "user_streams:stream:3", "foreign"]);
    let adds = (0..ADDS).map(|n| {
        let (user, item) = match n % 16 {
            3 => (1, known.clone()),
            7 => (3, NewItem::new("foreign")),
            _ => (2, NewItem::new(format!("{n}"))),
        };
        streams.add_stream_item(user, item).into_future()
    });
    for (n, added) in join_all(adds).await.into_iter().enumerate() {
        match n % 16 {
            3 => assert_eq!(added.unwrap().delivered, 0, "a retry"),
            7 => {
                let error = added.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
                assert!(error.message().contains("not a sorted set: 3"), "{error}");
            }
            _ => assert_eq!(added.unwrap().delivered, 1),
        }
    }
    assert_eq!(streams.get_stream_items(1).count().await.unwrap(), 1);
    assert_eq!(streams.get_stream_items(2).count().await.unwrap(), 56);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_leaves_holds_up_nobody() {
    let server = Redis::any();
    let streams = connect(&server.url()).await;
    for round in 0..50 {
        let adds = (0..ADDS).map(|n| {
            let add = streams.add_stream_item(n % 7, format!("{round} {n}"));
            let leaves = (n % 3 == 0).then(|| Duration::from_micros(fastrand::u64(..500)));
            async move {
                let Some(after) = leaves else { return add.await.map(|_| true) };
                match timeout(after, add.into_future()).await {
                    Ok(added) => added.map(|_| true),
                    Err(_) => Ok(false),
                }
            }
            .map(move |added| (n, added.unwrap()))
        });
        let begun = Instant::now();
        let added = join_all(adds).await;
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        let stored = contents(&streams).await;
        for (n, is_added) in added {
            let found = stored.iter().filter(|content| **content == format!("{round} {n}"));
            let found = found.count();
            assert!(found <= 1 && (found == 1 || !is_added), "{round} {n}: {found} times");
        }
    }
}

async fn contents(streams: &Streams) -> Vec<String> {
    let mut contents = Vec::new();
    for user in 0..7 {
        let items = streams.get_stream_items(user).slice(..).await.unwrap();
        contents.extend(items.into_iter().map(|item| item.content));
    }
    contents
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_tells_once_whose_streams_have_changed() {
    let server = Redis::start(&[]);
    let backend = backend_with(&server.url(), config().with_live(true)).await;
    let mut hints = backend.watch().await.unwrap();
    let streams = Streams::from_backend(Arc::clone(&backend));
    let adds = (0..ADDS).map(|user| streams.add_stream_item(user, "item").into_future());
    join_all(adds).await.into_iter().for_each(|added| assert_eq!(added.unwrap().delivered, 1));
    let (mut told, mut number) = (Vec::new(), 0);
    while told.len() < ADDS as usize {
        let hint = timeout(Duration::from_secs(10), hints.next()).await.unwrap().unwrap().unwrap();
        told.extend(hint.users.unwrap());
        number += 1;
    }
    told.sort_unstable();
    assert_eq!(told, (0..ADDS).map(UserId::Int).collect::<Vec<_>>());
    assert!(number < ADDS / 4, "{number} hints for {ADDS} adds");
}
