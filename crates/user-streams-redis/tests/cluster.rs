//! A cluster whose slots move and whose masters die.
//!
//! `cargo test -p user-streams-redis --test cluster`

mod common;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use common::{
    Cluster, Redis, redis_cli,
    streams::{connect_with, with_timeouts},
};
use tokio::task::JoinHandle;
use user_streams_core::{ErrorKind, NewItem, Recipients, Streams};
use user_streams_redis::{
    RedisBackend, RedisConfig,
    fred::{
        interfaces::ClientLike,
        types::{
            Builder,
            config::{Config, ConnectionConfig, ReconnectPolicy},
        },
        util::redis_keyslot,
    },
};

async fn connect(cluster: &Cluster) -> Streams {
    let config = with_timeouts(Duration::from_secs(2), Duration::from_secs(1));
    connect_with(&cluster.url(), config).await
}

fn slot(user: i64) -> u16 {
    redis_keyslot(format!("user_streams:stream:{user}").as_bytes())
}

/// Users who write and read without a pause, each in a stream of its own; they retry what can be
/// retried.
struct Load {
    stop: Arc<AtomicBool>,
    users: Vec<JoinHandle<(i64, usize, usize)>>,
}

impl Load {
    fn start(streams: &Streams, users: i64) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let users = (0..users)
            .map(|user| tokio::spawn(Self::user(streams.clone(), Arc::clone(&stop), user)));
        Self { users: users.collect(), stop }
    }

    async fn user(streams: Streams, stop: Arc<AtomicBool>, user: i64) -> (i64, usize, usize) {
        let (mut written, mut errors) = (0, 0);
        while !stop.load(Ordering::Relaxed) {
            let item = NewItem::new(format!("item {written}"));
            loop {
                let start = Instant::now();
                let added = streams.add_stream_item(user, item.clone()).await;
                let read = streams.get_stream_items(user).get(0).await;
                assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
                match (added, read) {
                    (Ok(_), Ok(Some(newest))) => {
                        assert_eq!(newest.content, item.content(), "user {user}");
                        break;
                    }
                    (added, read) => {
                        let error = added.err().or(read.err()).unwrap();
                        assert!(error.is_retryable(), "{error:?}");
                        errors += 1;
                    }
                }
            }
            written += 1;
        }
        (user, written, errors)
    }

    /// How many errors there were.
    async fn end(self, streams: &Streams) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        let (mut items, mut all_errors) = (0, 0);
        for user in self.users {
            let (user, written, errors) = user.await.unwrap();
            assert_eq!(
                streams.get_stream_items(user).count().await.unwrap(),
                written,
                "user {user}"
            );
            items += written;
            all_errors += errors;
        }
        assert!(items > 0);
        all_errors
    }
}

/// Each step of a slot's move, with a key that is still there, one that has gone ahead, and one
/// that is new.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_that_moves_is_served_throughout() {
    let cluster = Cluster::start();
    let streams = connect(&cluster).await;
    let slot_of_1 = slot(1);
    let mut same: Vec<i64> = (1..).filter(|user| slot(*user) == slot_of_1).take(3).collect();
    let [stays, goes, new] = [same.remove(0), same.remove(0), same.remove(0)];
    for user in [stays, goes] {
        for number in 0..3 {
            streams.add_stream_item(user, format!("item {number}")).await.unwrap();
        }
    }
    let source = cluster.owner(slot_of_1);
    let target = (0..3)
        .map(|third| cluster.owner(third * 5_461 + 100))
        .find(|owner| *owner != source)
        .unwrap();
    let (number, source_name, target_name) =
        (slot_of_1.to_string(), cluster.name(source), cluster.name(target));
    let set = |node: usize, args: &[&str]| {
        let answer = cluster.nodes[node].cli(&[&["cluster", "setslot", &number], args].concat());
        assert_eq!(answer, "OK");
    };
    set(target, &["importing", &source_name]);
    set(source, &["migrating", &target_name]);
    let port = cluster.nodes[target].port.to_string();
    let key = format!("user_streams:stream:{goes}");
    assert_eq!(
        cluster.nodes[source].cli(&["migrate", "127.0.0.1", &port, &key, "0", "1000"]),
        "OK"
    );

    // Alone and amid a broadcast; twice, for fred's own cluster client does not survive the first.
    for round in 1..=2 {
        for user in [stays, goes, new] {
            streams.add_stream_item(user, "alone").await.unwrap();
            let before = if user == new { 0 } else { 3 };
            let items = streams.get_stream_items(user);
            assert_eq!(items.count().await.unwrap(), before + round * 2 - 1, "user {user}");
            let page = items.cursor_page(1).await.unwrap();
            assert_eq!(page.items[0].content, "alone");
            if before + round > 2 {
                let next = items.cursor_page(1).after(page.next.unwrap()).await.unwrap();
                assert_eq!(next.items.len(), 1);
            }
        }
        let all = (1..=2_000).chain([stays, goes, new]);
        let delivery = streams.add_stream_item(Recipients::iter(all), "to all").await.unwrap();
        let besides = [stays, goes, new].iter().filter(|user| **user > 2_000).count() as u64;
        assert_eq!(delivery.delivered, 2_000 + besides);
    }
    assert_eq!(streams.delete_stream(goes).await.unwrap(), 7);
    assert_eq!(streams.get_stream_items(goes).count().await.unwrap(), 0);

    let key = format!("user_streams:stream:{stays}");
    assert_eq!(
        cluster.nodes[source].cli(&["migrate", "127.0.0.1", &port, &key, "0", "1000"]),
        "OK"
    );
    set(target, &["node", &target_name]);
    set(source, &["node", &target_name]);
    for user in [stays, new] {
        let items = streams.get_stream_items(user).await.unwrap();
        assert_eq!(items[0].content, "to all");
        streams.add_stream_item(user, "moved").await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reshard_under_load_loses_nothing_and_is_not_noticed() {
    let cluster = Cluster::start();
    reshard(&cluster, &connect(&cluster).await).await;
}

/// Whose replies fred would mix up if it followed the redirects.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reshard_over_an_applications_client_loses_nothing() {
    let cluster = Cluster::start();
    let mut builder = Builder::from_config(Config::from_url(&cluster.url()).unwrap());
    builder.set_policy(ReconnectPolicy::new_constant(0, 50));
    let options = ConnectionConfig { max_redirections: 0, ..ConnectionConfig::default() };
    let client = builder.set_connection_config(options).build().unwrap();
    client.init().await.unwrap();
    let backend = RedisBackend::new(client, RedisConfig::new()).unwrap();
    reshard(&cluster, &Streams::from_backend(backend)).await;
}

async fn reshard(cluster: &Cluster, streams: &Streams) {
    // Enough keys that most slots have some to move.
    streams.add_stream_item(Recipients::iter(1_000..21_000), "before").await.unwrap();
    let load = Load::start(streams, 40);
    for (from, to) in [(0, 1), (1, 2), (2, 0)] {
        let (from, to) = (cluster.name(from), cluster.name(to));
        // The tool refuses while the news of the last move is still on its way to some.
        cluster.wait_until_agreed();
        let output = redis_cli()
            .args(["--cluster", "reshard", &format!("127.0.0.1:{}", cluster.nodes[0].port)])
            .args([
                "--cluster-from",
                &from,
                "--cluster-to",
                &to,
                "--cluster-slots",
                "1500",
                "--cluster-yes",
            ])
            .output();
        let output = tokio::task::spawn_blocking(|| output).await.unwrap().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    assert_eq!(load.end(streams).await, 0);
    let delivery = streams.add_stream_item(Recipients::iter(1_000..21_000), "after").await.unwrap();
    assert_eq!(delivery.delivered, 20_000);
    for user in (1_000..21_000).step_by(97) {
        assert_eq!(streams.get_stream_items(user).count().await.unwrap(), 2, "user {user}");
    }
}

/// The master's replica takes over; what it had not received yet may be lost, which is Redis's own
/// promise.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_dies_is_replaced() {
    replace_master(Redis::kill).await;
}

/// It still accepts connections, and never replies.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_stalls_is_replaced() {
    replace_master(Redis::stall).await;
}

async fn replace_master(end: fn(&mut Redis)) {
    let mut cluster = Cluster::start();
    let streams = connect(&cluster).await;
    let user = 7;
    streams.add_stream_item(user, "before").await.unwrap();
    // Until the replica has it.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let master = cluster.owner(slot(user));
    let other = (1..).find(|user| cluster.owner(slot(*user)) != master).unwrap();
    end(&mut cluster.nodes[master]);
    let start = Instant::now();
    let mut errors = 0;
    while let Err(error) = streams.add_stream_item(user, "after").await {
        assert!(error.is_retryable(), "{error:?}");
        assert!(matches!(error.kind(), ErrorKind::Connection | ErrorKind::Timeout), "{error:?}");
        assert!(start.elapsed() < Duration::from_secs(30), "{error:?}");
        errors += 1;
        // The servers that live are not held up, once the cluster has settled.
        _ = streams.get_stream_items(other).count().await;
    }
    let contents: Vec<_> = streams
        .get_stream_items(user)
        .await
        .unwrap()
        .into_iter()
        .map(|item| item.content)
        .collect();
    assert_eq!(contents, ["after", "before"], "{errors} errors in {:?}", start.elapsed());
    // A new client finds the cluster by the hosts of its URL that live.
    let again = connect(&cluster).await;
    assert_eq!(again.get_stream_items(user).count().await.unwrap(), 2);
    let delivery = again.add_stream_item(Recipients::iter(0..3_000), "to all").await.unwrap();
    assert_eq!(delivery.delivered, 3_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_single_server_url_to_a_cluster_is_explained() {
    let cluster = Cluster::start();
    let url = cluster.nodes[0].url();
    let streams = connect_with(&url, RedisConfig::new()).await;
    let elsewhere = (1..).find(|user| cluster.owner(slot(*user)) != 0).unwrap();
    // A broadcast is a script with several keys, whose slots differ.
    let several = Recipients::iter(0..100_i64);
    for error in [
        streams.add_stream_item(elsewhere, "item").await.unwrap_err(),
        streams.add_stream_item(several, "item").await.unwrap_err(),
    ] {
        assert_eq!(
            (error.kind(), error.is_retryable()),
            (ErrorKind::InvalidSettings, false),
            "{error:?}"
        );
        assert!(error.message().contains("redis-cluster"), "{error}");
    }
}

/// As it is where nodes are to be named by hostnames, and none is set.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_without_a_hostname_to_give_are_explained() {
    let cluster = Cluster::start();
    let connected = connect(&cluster).await;
    for node in &cluster.nodes {
        let set = ["config", "set", "cluster-preferred-endpoint-type", "hostname"];
        assert_eq!(node.cli(&set), "OK");
    }
    let error = RedisBackend::connect(&cluster.url(), RedisConfig::new()).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.is_retryable()),
        (ErrorKind::InvalidSettings, false),
        "{error:?}"
    );
    assert!(error.message().contains("cluster-announce-hostname"), "{error}");
    // Who is connected has the map.
    connected.add_stream_item(Recipients::iter(0..100), "item").await.unwrap();
    for node in &cluster.nodes {
        node.cli(&["config", "set", "cluster-announce-hostname", "localhost"]);
    }
    cluster.nodes[0].wait_until("each node knows the names", |node| {
        let slots = node.cli(&["cluster", "slots"]);
        !slots.contains('?') && slots.matches("localhost").count() >= 6
    });
    connect(&cluster).await.add_stream_item(Recipients::iter(0..100), "item").await.unwrap();
}
