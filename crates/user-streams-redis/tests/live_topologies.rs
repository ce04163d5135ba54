//! Hints of what comes, where masters are several or change, and the copies of what everyone reads.
//!
//! `cargo test -p user-streams-redis --test live_topologies`

mod common;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use common::{
    AnyCluster, Cluster, Redis,
    streams::{backend_with, with_timeouts},
};
use futures_util::{FutureExt, StreamExt};
use tokio::time::timeout;
use user_streams_core::{
    Settings, Streams, UserId, audience,
    backend::{AddStreamItem, Backend, Capability, Hints},
    everyone,
};
use user_streams_redis::{
    RedisBackend, RedisConfig,
    fred::{
        interfaces::ClientLike,
        types::{
            Builder,
            config::{Config, ConnectionConfig},
        },
        util::redis_keyslot,
    },
};

fn config() -> RedisConfig {
    with_timeouts(Duration::from_secs(2), Duration::from_secs(2)).with_live(true)
}

fn slot(user: i64) -> u16 {
    redis_keyslot(format!("user_streams:stream:{user}").as_bytes())
}

async fn add(backend: &dyn Backend, users: impl IntoIterator<Item = i64>) {
    let users: Vec<_> = users.into_iter().map(UserId::Int).collect();
    backend.add_stream_item(AddStreamItem::new(users, "item").unwrap()).await.unwrap();
}

/// How often each of so many users is told.
async fn told(hints: &mut Hints, number: usize) -> BTreeMap<i64, usize> {
    let mut told = BTreeMap::new();
    while told.len() < number {
        let hint = timeout(Duration::from_secs(10), hints.next()).await.expect("all are told");
        for user in hint.unwrap().unwrap().users.unwrap() {
            let UserId::Int(user) = user else { panic!("{user}") };
            *told.entry(user).or_default() += 1;
        }
    }
    told
}

async fn end(hints: &mut Hints) {
    let end = async { while let Some(Ok(_)) = hints.next().await {} };
    timeout(Duration::from_secs(15), end).await.expect("they end within 15 s");
}

fn subscribers(node: &Redis) -> usize {
    let clients = node.cli(&["client", "list", "type", "pubsub"]);
    clients.lines().filter(|line| !line.is_empty()).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_cluster_each_master_tells_what_comes_to_it_once() {
    let cluster = Cluster::start();
    let backend = backend_with(&cluster.url(), config()).await;
    assert!(backend.capabilities().has(Capability::Watch));
    let other = backend_with(&cluster.url(), config()).await;
    let mut hints = backend.watch().await.unwrap();
    assert_eq!(cluster.nodes.iter().map(subscribers).sum::<usize>(), 3);
    add(&*other, 0..2_000).await;
    let told_of = told(&mut hints, 2_000).await;
    assert!(told_of.values().all(|times| *times == 1));
    assert!(hints.next().now_or_never().is_none());
    drop(hints);
    for node in &cluster.nodes {
        node.wait_until("the connection is gone", |node| subscribers(node) == 0);
    }

    // Over a client of the application's.
    let mut builder = Builder::from_config(Config::from_url(&cluster.url()).unwrap());
    let options = ConnectionConfig { max_redirections: 0, ..ConnectionConfig::default() };
    let client = builder.set_connection_config(options).build().unwrap();
    client.init().await.unwrap();
    let over = RedisBackend::new(client, config()).unwrap();
    let mut hints = over.watch().await.unwrap();
    add(&over, 0..100).await;
    assert_eq!(told(&mut hints, 100).await.len(), 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_a_slot_moves_all_is_told_and_then_the_hints_end() {
    let cluster = Cluster::start();
    let backend = backend_with(&cluster.url(), config()).await;
    let slot_of_1 = slot(1);
    let source = cluster.owner(slot_of_1);
    let target = (0..3)
        .map(|third| cluster.owner(third * 5_461 + 100))
        .find(|owner| *owner != source)
        .unwrap();
    let number = slot_of_1.to_string();
    let set = |node: usize, args: &[&str]| {
        let answer = cluster.nodes[node].cli(&[&["cluster", "setslot", &number], args].concat());
        assert_eq!(answer, "OK");
    };
    let mut hints = backend.watch().await.unwrap();
    set(target, &["importing", &cluster.name(source)]);
    set(source, &["migrating", &cluster.name(target)]);
    // It is new, and so it is added at the target.
    add(&*backend, [1]).await;
    assert_eq!(told(&mut hints, 1).await.keys().collect::<Vec<_>>(), [&1]);
    let name = cluster.name(target);
    for node in [target, source] {
        set(node, &["node", &name]);
    }
    end(&mut hints).await;
    cluster.wait_until_agreed();
    let mut hints = loop {
        match backend.watch().await {
            Ok(hints) => break hints,
            Err(error) => assert!(error.is_retryable(), "{error:?}"),
        }
    };
    add(&*backend, [1]).await;
    assert_eq!(told(&mut hints, 1).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_dies_ends_the_hints() {
    let mut cluster = Cluster::start();
    let backend = backend_with(&cluster.url(), config()).await;
    let mut hints = backend.watch().await.unwrap();
    let owner = cluster.owner(slot(1));
    cluster.nodes[owner].kill();
    end(&mut hints).await;
    // Until its replica has taken over.
    let mut hints = loop {
        match backend.watch().await {
            Ok(hints) => break hints,
            Err(error) => assert!(error.is_retryable(), "{error:?}"),
        }
    };
    add(&*backend, [1]).await;
    assert_eq!(told(&mut hints, 1).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_sentinels_the_new_master_tells() {
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
    let backend = backend_with(&url, config()).await;
    let mut hints = backend.watch().await.unwrap();
    add(&*backend, [1]).await;
    assert_eq!(told(&mut hints, 1).await.len(), 1);

    master.kill();
    end(&mut hints).await;
    replica.wait_until("it is the master", |replica| {
        replica.cli(&["info", "replication"]).contains("role:master")
    });
    let mut hints = loop {
        match backend.watch().await {
            Ok(hints) => break hints,
            Err(error) => assert!(error.is_retryable(), "{error:?}"),
        }
    };
    add(&*backend, [1]).await;
    assert_eq!(told(&mut hints, 1).await.len(), 1);
    // A try that came too early may still be closing.
    replica.wait_until("one subscriber is left", |replica| subscribers(replica) == 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_copies_of_an_audience_are_in_different_slots_of_several_masters() {
    let cluster = AnyCluster::get();
    let config = with_timeouts(Duration::from_secs(2), Duration::from_secs(2))
        .with_key_prefix(cluster.prefix());
    let backend = backend_with(&cluster.url(), config).await;
    assert_eq!(backend.capabilities().copies(), 8);
    let settings = Settings::new(cluster.url())
        .with_audiences(true)
        .with_option("key_prefix", cluster.prefix());
    let streams = Streams::connect(settings).await.unwrap();
    for recipients in [everyone(), audience("team:7")] {
        streams.add_stream_item(recipients, "item").await.unwrap();
    }
    for user in 0..50 {
        let items = streams.get_stream_items(user);
        assert_eq!(items.count().await.unwrap(), 1);
        assert_eq!(items.with_audiences(["team:7"]).await.unwrap().len(), 2);
    }
    let AnyCluster::Own(cluster) = &cluster else { return };
    let mut slots = BTreeMap::<String, BTreeSet<u16>>::new();
    let mut masters = BTreeSet::new();
    for (at, node) in cluster.nodes.iter().enumerate() {
        if node.cli(&["role"]).starts_with("slave") {
            continue;
        }
        for key in node.cli(&["--scan", "--pattern", "test:feed:*"]).lines() {
            let (_, name) = key.split_once(":stream:").unwrap();
            let name = name.trim_start_matches(|c: char| c.is_ascii_digit() || c == ':');
            slots.entry(name.to_owned()).or_default().insert(redis_keyslot(key.as_bytes()));
            masters.insert(at);
        }
    }
    let number: BTreeMap<_, _> = slots.iter().map(|(name, of)| (&**name, of.len())).collect();
    assert_eq!(number, BTreeMap::from([("audience:team:7", 8), ("everyone", 8)]));
    assert_eq!(masters.len(), 3);
    // One server needs no copies.
    let server = Redis::start(&[]);
    let one = backend_with(&server.url(), self::config()).await;
    assert_eq!(one.capabilities().copies(), 1);
}
