//! Sentinels that name the master, before and after it dies.
//!
//! `cargo test -p user-streams-redis --test sentinel`

mod common;

use std::time::{Duration, Instant};

use common::{
    Redis,
    streams::{connect_with, with_timeouts},
};
use user_streams_core::ErrorKind;
use user_streams_redis::{RedisBackend, RedisConfig};

fn config() -> RedisConfig {
    with_timeouts(Duration::from_secs(2), Duration::from_secs(1))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_master_is_found_and_found_again() {
    let mut master = Redis::start(&["--repl-diskless-sync-delay", "0"]);
    let replica = Redis::start(&["--replicaof", "127.0.0.1", &master.port.to_string()]);
    replica.wait_until("it has the data", |replica| {
        replica.cli(&["info", "replication"]).contains("master_link_status:up")
    });
    let sentinel = Redis::sentinel(&master);
    sentinel.wait_until("it knows the replica", |sentinel| {
        sentinel.cli(&["sentinel", "replicas", "main"]).contains(&replica.port.to_string())
    });
    let url = format!("redis-sentinel://127.0.0.1:{}?sentinelServiceName=main", sentinel.port);
    let streams = connect_with(&url, config()).await;
    streams.add_stream_item(1, "before").await.unwrap();
    assert_eq!(master.cli(&["zcard", "user_streams:stream:1"]), "1");
    replica.wait_until("it has the item", |replica| {
        replica.cli(&["zcard", "user_streams:stream:1"]) == "1"
    });

    master.kill();
    let start = Instant::now();
    while let Err(error) = streams.add_stream_item(1, "after").await {
        assert!(error.is_retryable(), "{error:?}");
        assert!(start.elapsed() < Duration::from_secs(30), "{error:?}");
    }
    let contents: Vec<_> =
        streams.get_stream_items(1).await.unwrap().into_iter().map(|item| item.content).collect();
    assert_eq!(contents, ["after", "before"]);
    assert_eq!(replica.cli(&["zcard", "user_streams:stream:1"]), "2");

    // The old master comes back as a replica; nothing is written to it.
    master.restart();
    streams.add_stream_item(1, "later").await.unwrap();
    assert_eq!(replica.cli(&["zcard", "user_streams:stream:1"]), "3");

    let wrong = url.replace("=main", "=other");
    let error = RedisBackend::connect(&wrong, config()).await.unwrap_err();
    assert!(
        error.message().contains("other") || error.kind() == ErrorKind::Connection,
        "{error:?}"
    );
}
