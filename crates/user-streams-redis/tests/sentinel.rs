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
use user_streams_redis::{ClientArguments, RedisBackend, RedisConfig};

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
}

/// Nothing that a retry could change.
async fn refused(url: &str, config: RedisConfig, parts: &[&str]) {
    let start = Instant::now();
    let error = RedisBackend::connect(url, config).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.is_retryable()),
        (ErrorKind::InvalidSettings, false),
        "{error:?}"
    );
    for part in parts {
        assert!(error.message().contains(part), "{part}: {error}");
    }
    assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_sentinels_refuse_is_said() {
    let mut master = Redis::start(&[]);
    let mut sentinel = Redis::sentinel(&master);
    let at = |service: &str, login: &str| {
        format!("redis-sentinel://{login}127.0.0.1:{}?sentinelServiceName={service}", sentinel.port)
    };
    let url = at("main", "");
    let with_login = |user: Option<&str>, password: &str| {
        let login = ClientArguments::new().with_sentinel_login(user.map(str::to_owned), password);
        config().with_client_arguments(login)
    };
    connect_with(&url, config()).await.ping().await.unwrap();
    refused(&at("other", ""), config(), &["no service `other`", "sentinelServiceName"]).await;

    assert_eq!(sentinel.cli(&["acl", "setuser", "default", ">right"]), "OK");
    refused(&url, config(), &["the sentinels refuse the login", "`sentinel_password`", "NOAUTH"])
        .await;
    let wrong = with_login(None, "s3cret");
    refused(&url, wrong, &["the sentinels refuse the login", "`sentinel_password`", "WRONGPASS"])
        .await;
    connect_with(&url, with_login(None, "right")).await.ping().await.unwrap();
    connect_with(&url, with_login(Some("default"), "right")).await.ping().await.unwrap();
    let other = at("other", "");
    refused(&other, with_login(None, "right"), &["no service `other`"]).await;

    // The master's login is another one.
    let refused_by_master = at("main", ":s3cret@");
    assert_eq!(master.cli(&["config", "set", "requirepass", "master"]), "OK");
    let error =
        RedisBackend::connect(&refused_by_master, with_login(None, "right")).await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::InvalidSettings, false));
    assert!(!error.message().contains("sentinel"), "{error}");

    // What a retry may help stays retryable.
    master.kill();
    let error = RedisBackend::connect(&url, with_login(None, "right")).await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Connection, true), "{error:?}");
    sentinel.kill();
    let error = RedisBackend::connect(&url, config()).await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Connection, true), "{error:?}");
}
