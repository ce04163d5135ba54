//! Adds to single users that come together.
//!
//! `cargo test -p user-streams-redis --test adds`

mod common;

use std::{sync::Arc, time::Duration};

use common::{
    Redis,
    streams::{backend_with, config, connect},
};
use futures_util::{StreamExt, future::join_all};
use tokio::time::timeout;
use user_streams_core::{ErrorKind, Streams, UserId};

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
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_stored_fails_alone() {
    let server = Redis::any();
    let streams = connect(&server.url()).await;
    server.cli(&["set", "user_streams:stream:3", "foreign"]);
    let adds = (0..ADDS).map(|n| {
        let user = if n % 16 == 7 { 3 } else { 2 };
        streams.add_stream_item(user, format!("{n}")).into_future()
    });
    for (n, added) in join_all(adds).await.into_iter().enumerate() {
        if n % 16 == 7 {
            let error = added.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
            assert!(error.message().contains("not a sorted set: 3"), "{error}");
        } else {
            assert_eq!(added.unwrap().delivered, 1);
        }
    }
    assert_eq!(streams.get_stream_items(2).count().await.unwrap(), 60);
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
