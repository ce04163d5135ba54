//! `ping`, of a server and of a cluster.
//!
//! `cargo test -p user-streams-redis --test ping`

mod common;

use std::time::{Duration, Instant};

use common::{
    Cluster, Redis,
    streams::{connect_with, with_timeouts},
};
use user_streams_core::ErrorKind;
use user_streams_redis::RedisConfig;

/// Longer than a ping may take.
fn patient() -> RedisConfig {
    with_timeouts(Duration::from_secs(20), Duration::from_secs(20))
}

#[track_caller]
fn assert_quick(start: Instant) {
    assert!(start.elapsed() < Duration::from_millis(1_500), "{:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_answers_or_the_ping_fails_within_its_own_bound() {
    let mut server = Redis::start(&[]);
    let streams = connect_with(&server.url(), patient()).await;
    streams.ping().await.unwrap();
    // A connection that is gone is replaced.
    server.cli(&["client", "kill", "type", "normal", "skipme", "yes"]);
    streams.ping().await.unwrap();
    server.signal("STOP");
    for _ in 0..3 {
        let start = Instant::now();
        let error = streams.ping().await.unwrap_err();
        assert_quick(start);
        assert!(error.is_retryable(), "{error:?}");
        assert!(error.message().contains(&server.port.to_string()), "{error}");
    }
    server.signal("CONT");
    streams.ping().await.unwrap();
    server.kill();
    let start = Instant::now();
    let error = streams.ping().await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Connection, true), "{error:?}");
    assert_quick(start);
    server.restart();
    streams.ping().await.unwrap();
    streams.close().await.unwrap();
    let error = streams.ping().await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Connection, false), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_master_of_a_cluster_has_to_answer() {
    let cluster = Cluster::start();
    let streams = connect_with(&cluster.url(), patient()).await;
    streams.ping().await.unwrap();
    for third in 0..3 {
        let master = &cluster.nodes[cluster.owner(third * 5_461 + 100)];
        master.signal("STOP");
        let start = Instant::now();
        let error = streams.ping().await.unwrap_err();
        master.signal("CONT");
        assert_quick(start);
        assert!(error.is_retryable(), "{error:?}");
        assert!(error.message().contains(&master.port.to_string()), "{error}");
        master.wait_until("the cluster is whole", |master| {
            master.cli(&["cluster", "info"]).contains("cluster_state:ok")
        });
    }
}
