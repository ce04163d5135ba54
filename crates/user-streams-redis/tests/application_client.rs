//! Streams over a client of the application's own: the conformance suite, and what stays the
//! application's.
//!
//! `cargo test -p user-streams-redis --test application_client`

mod common;

use std::time::{Duration, Instant};

use common::{AnyCluster, Cluster, Redis, streams::TIMEOUT};
use futures_util::{StreamExt, stream};
use tokio::time::{sleep, timeout};
use user_streams_core::{ErrorKind, NewItem, Recipients, Streams, UserIdKind};
use user_streams_redis::{
    RedisBackend, RedisConfig,
    fred::{
        clients::{Client, Pool},
        interfaces::ClientLike,
        types::{
            Builder, ClusterHash, CustomCommand, RespVersion, Value,
            config::{Config, ConnectionConfig, ReconnectPolicy},
        },
    },
};
use user_streams_testkit::{Case, Outcome, Suite};

fn builder(url: &str, version: RespVersion) -> Builder {
    let mut config = Config::from_url(url).unwrap();
    config.version = version;
    let mut builder = Builder::from_config(config);
    builder.set_connection_config(ConnectionConfig {
        max_redirections: 0,
        ..ConnectionConfig::default()
    });
    builder.set_policy(ReconnectPolicy::new_constant(0, 50));
    builder
}

async fn client(url: &str) -> Client {
    let client = builder(url, RespVersion::RESP2).build().unwrap();
    client.init().await.unwrap();
    client
}

async fn pool(url: &str) -> Pool {
    let pool = builder(url, RespVersion::RESP3).build_pool(3).unwrap();
    pool.init().await.unwrap();
    pool
}

fn config() -> RedisConfig {
    RedisConfig::new().with_operation_timeout(TIMEOUT)
}

fn over(client: &Client) -> Streams {
    Streams::from_backend(RedisBackend::new(client.clone(), config()).unwrap())
}

/// Whether the application can still use its client.
async fn is_usable(client: &Client) -> bool {
    let ping = CustomCommand::new_static("PING", ClusterHash::Random, false);
    let reply: Value = client.custom(ping, Vec::<Value>::new()).await.unwrap();
    reply.as_str().as_deref() == Some("PONG")
}

async fn conforms(suite: Suite) {
    // Three of these run at once, and an unoptimized fred takes its time for each command.
    let suite = suite.with_time_limit(Duration::from_secs(600));
    let first = UserIdKind::BigInt;
    let kinds = [first, UserIdKind::Uuid, UserIdKind::Text];
    let pairs = kinds.into_iter().flat_map(|kind| {
        Case::all().filter(move |case| case.runs_with(kind, first)).map(move |case| (case, kind))
    });
    let outcomes = stream::iter(pairs)
        .map(|(case, kind)| {
            let suite = &suite;
            async move { (case.name, kind, suite.check(case, kind).await) }
        })
        .buffer_unordered(4);
    let outcomes: Vec<_> = outcomes.collect().await;
    let failed: Vec<_> = outcomes.iter().filter(|(_, _, outcome)| outcome.is_err()).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(outcomes.iter().filter(|outcome| outcome.2 == Ok(Outcome::Passed)).count() > 150);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_of_one_server_conforms() {
    let server = Redis::any();
    let url = server.url();
    conforms(Suite::new("application-client", move |kind| {
        let url = url.clone();
        async move {
            let config = RedisConfig::new().with_user_id(kind).with_key_prefix(kind.as_str());
            RedisBackend::new(client(&url).await, config)
        }
    }))
    .await;
}

/// In RESP3, and with shared content.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_conforms() {
    let server = Redis::any();
    let url = server.url();
    conforms(Suite::new("application-pool", move |kind| {
        let url = url.clone();
        async move {
            let config = RedisConfig::new().with_user_id(kind).with_key_prefix(kind.as_str());
            RedisBackend::new(pool(&url).await, config.with_shared_content_min_len(0))
        }
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_of_a_cluster_conforms() {
    let cluster = AnyCluster::get();
    let (url, prefix) = (cluster.url(), cluster.prefix().to_owned());
    conforms(Suite::new("application-cluster", move |kind| {
        let (url, prefix) = (url.clone(), format!("{prefix}:{kind}"));
        async move {
            let config = RedisConfig::new().with_user_id(kind).with_key_prefix(prefix);
            RedisBackend::new(client(&url).await, config)
        }
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_client_stays_the_applications() {
    let server = Redis::start(&[]);
    let cluster = Cluster::start();
    for url in [server.url(), cluster.url()] {
        let client = client(&url).await;
        let streams =
            Streams::from_backend(RedisBackend::new(client.clone(), RedisConfig::new()).unwrap());
        streams.migrate().await.unwrap();
        streams.add_stream_item([1, 2], "item").await.unwrap();
        for microseconds in 0..300 {
            let limit = Duration::from_micros(microseconds * 3);
            _ = timeout(limit, async {
                streams.add_stream_item(Recipients::iter(0..300), "item").await.unwrap();
                streams.get_stream_items(1).await.unwrap();
            })
            .await;
        }
        streams.add_stream_item(1, "last").await.unwrap();
        assert_eq!(streams.get_stream_items(1).get(0).await.unwrap().unwrap().content, "last");

        let other = over(&client);
        streams.close().await.unwrap();
        let error = streams.get_stream_items(1).count().await.unwrap_err();
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Connection, false));
        assert!(is_usable(&client).await);
        assert_eq!(other.get_stream_items(1).get(0).await.unwrap().unwrap().content, "last");
        drop((streams, other));
        assert!(is_usable(&client).await);
        client.quit().await.unwrap();
    }
    server.wait_until("its connections are gone", |server| server.clients() == 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_ends_in_its_time_and_a_restart_is_survived() {
    let mut server = Redis::start(&["--appendonly", "yes", "--appendfsync", "always"]);
    let client = client(&server.url()).await;
    let streams = over(&client);
    let item = NewItem::new("item");
    streams.add_stream_item([1, 2], item.clone()).await.unwrap();
    for stalls in [false, true] {
        if stalls {
            server.stall();
        } else {
            server.kill();
        }
        let start = Instant::now();
        let error = streams.add_stream_item([1, 2], item.clone()).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Connection | ErrorKind::Timeout), "{error:?}");
        assert!(error.is_retryable() && error.message().contains(&server.port.to_string()));
        assert!(start.elapsed() < TIMEOUT + Duration::from_millis(500), "{:?}", start.elapsed());
        if stalls {
            server.kill();
        }
        // Without its scripts.
        server.restart();
        let start = Instant::now();
        while let Err(error) = streams.add_stream_item([1, 2, 3], item.clone()).await {
            assert!(error.is_retryable(), "{error:?}");
            assert!(start.elapsed() < Duration::from_secs(10), "{error:?}");
            sleep(Duration::from_millis(50)).await;
        }
        for user in 1..4 {
            assert_eq!(streams.get_stream_items(user).count().await.unwrap(), 1, "user {user}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_work_is_refused() {
    let cluster = Cluster::start();
    let in_cluster = client(&cluster.url()).await;
    let shared = config().with_shared_content_min_len(1);
    let error = RedisBackend::new(in_cluster.clone(), shared).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidSettings);
    assert!(error.message().starts_with("shared_content_min_len: "), "{error}");
    for (config, name) in [
        (config().with_max_waiting(0), "max_waiting"),
        (config().with_key_prefix("a:stream"), "key_prefix"),
        (config().with_operation_timeout(Duration::ZERO), "operation_timeout"),
    ] {
        let error = RedisBackend::new(in_cluster.clone(), config).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidSettings);
        assert!(error.message().starts_with(name), "{error}");
    }

    let mut builder = builder(&cluster.url(), RespVersion::RESP2);
    builder.set_connection_config(ConnectionConfig::default());
    let error = RedisBackend::new(builder.build().unwrap(), config()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidSettings);
    assert!(error.message().contains("`max_redirections: 0`"), "{error}");

    // A client of one node.
    let streams = over(&client(&cluster.nodes[0].url()).await);
    let mut refused = 0;
    for user in 0..20 {
        if let Err(error) = streams.add_stream_item(user, "item").await {
            assert_eq!(
                (error.kind(), error.is_retryable()),
                (ErrorKind::InvalidSettings, false),
                "{error:?}"
            );
            assert!(error.message().contains("part of a cluster"), "{error}");
            refused += 1;
        }
    }
    assert!(refused > 0);

    // One that was never connected.
    let idle = self::builder(&cluster.nodes[0].url(), RespVersion::RESP2).build().unwrap();
    let start = Instant::now();
    let error = over(&idle).add_stream_item(1, "item").await.unwrap_err();
    assert!(error.is_retryable(), "{error:?}");
    assert!(start.elapsed() < TIMEOUT + Duration::from_millis(500), "{:?}", start.elapsed());
}
