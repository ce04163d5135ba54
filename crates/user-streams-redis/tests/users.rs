//! The list of users, on one server and in a cluster whose slots move.
//!
//! `cargo test -p user-streams-redis --test users`

mod common;

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use common::{
    Cluster, Redis, redis_cli,
    streams::{backend_with, list, with_timeouts},
};
use user_streams_core::{
    ErrorKind, Recipients, UserId, UserIdKind,
    backend::{AddStreamItem, Backend, ListUsers, UsersCursor},
};
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

fn config() -> RedisConfig {
    with_timeouts(Duration::from_secs(5), Duration::from_secs(2))
}

async fn add(backend: &dyn Backend, users: std::ops::Range<i64>) {
    let args = AddStreamItem::new(Recipients::iter(users), "item").unwrap();
    backend.add_stream_item(args).await.unwrap();
}

fn set(users: &[UserId]) -> HashSet<i64> {
    let id = |user: &UserId| match user {
        UserId::Int(id) => *id,
        _ => panic!("{user:?} is not a number"),
    };
    users.iter().map(id).collect()
}

/// The streams of feeds, shared content, marks, other prefixes and other programs are not listed.
async fn others_are_not_listed(url: &str, prefix: &str) {
    let backend = backend_with(url, config().with_key_prefix(prefix)).await;
    add(&*backend, 0..3_000).await;
    let feed = backend.feed(&"news".parse().unwrap(), UserIdKind::BigInt).unwrap();
    add(&*feed, 2_990..3_010).await;
    let longer = format!("{prefix}:more");
    let other = backend_with(url, config().with_key_prefix(longer)).await;
    add(&*other, 5_000..5_010).await;
    let texts = config().with_key_prefix(prefix).with_user_id(UserIdKind::Text);
    let texts = backend_with(url, texts).await;
    let args = AddStreamItem::new(["007", "a", "stream:1"], "item").unwrap();
    texts.add_stream_item(args).await.unwrap();

    let (users, parts) = list(&*backend, 100).await;
    assert_eq!(set(&users), (0..3_000).collect());
    assert!((10..500).contains(&parts), "{parts}");
    assert_eq!(set(&list(&*backend, u64::MAX).await.0), (0..3_000).collect());
    assert_eq!(set(&list(&*backend, 0).await.0), (0..3_000).collect());
    assert_eq!(set(&list(&*feed, 7).await.0), (2_990..3_010).collect());
    assert_eq!(list(&*texts, 500).await.0.len(), 3_003);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_one_server_others_are_not_listed() {
    others_are_not_listed(&Redis::any().url(), "test").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_cluster_others_are_not_listed() {
    let cluster = common::AnyCluster::get();
    others_are_not_listed(&cluster.url(), cluster.prefix()).await;
}

/// After a restart, or at the replica that took over, the cursors of `SCAN` mean something else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_another_server_goes_on_with_misses_nobody() {
    // Each has all users, in an order of its own.
    let servers = [Redis::start(&[]), Redis::start(&[])];
    let mut backends = Vec::new();
    for server in &servers {
        let backend = backend_with(&server.url(), config()).await;
        add(&*backend, 0..5_000).await;
        backends.push(backend);
    }
    for stop in [1, 3, 10, 40] {
        let (mut users, mut query) = (HashSet::new(), ListUsers::new(100));
        for part in 0.. {
            let backend = &backends[usize::from(part >= stop)];
            let page = backend.list_users(query).await.unwrap();
            users.extend(set(&page.users));
            match page.next {
                Some(next) => query = ListUsers::new(100).after(next),
                None => break,
            }
        }
        assert_eq!(users.len(), 5_000, "from part {stop} on");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_of_another_topology_is_refused() {
    let (server, cluster) = (Redis::any(), Cluster::start());
    for (url, place) in [(server.url(), "slot:5"), (cluster.url(), "scan::5")] {
        let backend = backend_with(&url, config()).await;
        let query = ListUsers::new(5).after(UsersCursor::new(place));
        let error = backend.list_users(query).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidCursor, "{error:?}");
    }
    let backend = backend_with(&cluster.url(), config()).await;
    _ = list(&*backend, 5).await;
    let start = Instant::now();
    assert_eq!(list(&*backend, 1_000).await, (Vec::new(), 1));
    // Well below: an unoptimized build on a machine that is busy with other tests.
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    println!("an empty cluster: {:?}", start.elapsed());
}

/// A slot half of whose keys have gone ahead, at each step of its move.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_streams_of_a_slot_that_moves_are_listed_at_each_step() {
    let cluster = Cluster::start();
    let backend = backend_with(&cluster.url(), config()).await;
    let slot = |user: &i64| redis_keyslot(format!("user_streams:stream:{user}").as_bytes());
    let number = slot(&1);
    let users: Vec<i64> = (1..).filter(|user| slot(user) == number).take(4).collect();
    let args = AddStreamItem::new(users.clone(), "item").unwrap();
    backend.add_stream_item(args).await.unwrap();
    let all: HashSet<i64> = users.iter().copied().collect();
    let source = cluster.owner(number);
    let target = [100, 6_000, 12_000].map(|slot| cluster.owner(slot));
    let target = target.into_iter().find(|owner| *owner != source).unwrap();
    let [from, to] = [source, target].map(|node| cluster.name(node));
    let number = number.to_string();
    let set_slot = |node: usize, args: &[&str]| {
        let answer = cluster.nodes[node].cli(&[&["cluster", "setslot", &number], args].concat());
        assert_eq!(answer, "OK");
    };
    let listed = async || set(&list(&*backend, 100).await.0);
    assert_eq!(listed().await, all);
    set_slot(target, &["importing", &from]);
    assert_eq!(listed().await, all);
    set_slot(source, &["migrating", &to]);
    assert_eq!(listed().await, all);
    let port = cluster.nodes[target].port.to_string();
    for user in &users {
        let key = format!("user_streams:stream:{user}");
        let migrate = ["migrate", "127.0.0.1", &port, &key, "0", "1000"];
        assert_eq!(cluster.nodes[source].cli(&migrate), "OK");
        assert_eq!(listed().await, all, "{user}");
    }
    set_slot(target, &["node", &to]);
    assert_eq!(listed().await, all);
    set_slot(source, &["node", &to]);
    assert_eq!(listed().await, all);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_slots_move_nobody_is_missed() {
    let cluster = Cluster::start();
    let backend = backend_with(&cluster.url(), config()).await;
    list_beside_reshards(&cluster, backend).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_slots_move_nobody_is_missed_over_an_applications_client() {
    let cluster = Cluster::start();
    let mut builder = Builder::from_config(Config::from_url(&cluster.url()).unwrap());
    builder.set_policy(ReconnectPolicy::new_constant(0, 50));
    let options = ConnectionConfig { max_redirections: 0, ..ConnectionConfig::default() };
    let client = builder.set_connection_config(options).build().unwrap();
    client.init().await.unwrap();
    let backend = RedisBackend::new(client, config()).unwrap();
    list_beside_reshards(&cluster, Arc::new(backend)).await;
}

/// Lists all users again and again while slots move.
async fn list_beside_reshards(cluster: &Cluster, backend: Arc<dyn Backend>) {
    add(&*backend, 0..20_000).await;
    let stop = Arc::new(AtomicBool::new(false));
    let lists = {
        let (backend, stop) = (Arc::clone(&backend), Arc::clone(&stop));
        tokio::spawn(async move {
            let (mut lists, mut listed) = (0, 0);
            while !stop.load(Ordering::Relaxed) {
                let (users, _) = list(&*backend, 500).await;
                listed += users.len();
                let missed = (0..20_000).filter({
                    let users = set(&users);
                    move |user| !users.contains(user)
                });
                assert_eq!(missed.count(), 0, "in list {lists}");
                lists += 1;
            }
            (lists, listed)
        })
    };
    for (from, to) in [(0, 1), (1, 2), (2, 0)] {
        let (from, to) = (cluster.name(from), cluster.name(to));
        cluster.wait_until_agreed();
        let output = redis_cli()
            .args(["--cluster", "reshard", &format!("127.0.0.1:{}", cluster.nodes[0].port)])
            .args(["--cluster-from", &from, "--cluster-to", &to])
            .args(["--cluster-slots", "1000", "--cluster-yes"])
            .output();
        let output = tokio::task::spawn_blocking(|| output).await.unwrap().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    stop.store(true, Ordering::Relaxed);
    let (lists, listed) = lists.await.unwrap();
    println!("{lists} lists, {listed} users");
    assert!(lists > 2, "{lists}");
}
