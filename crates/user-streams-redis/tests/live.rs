//! Hints of what comes: that they follow the writes, at once, a bounded number of times, whatever
//! happens to the connection.
//!
//! `cargo test -p user-streams-redis --test live`

mod common;

use std::{
    io::{BufRead, BufReader},
    process::{Child, Stdio},
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use common::{
    Redis, redis_cli,
    streams::{backend_with, config},
};
use futures_util::StreamExt;
use tokio::time::timeout;
use user_streams_core::{
    ErrorKind, Name, NewItem, UserId, UserIdKind,
    backend::{AddStreamItem, Backend, BulkAdd, Capability, Hint, Hints},
};
use user_streams_redis::RedisBackend;

fn news() -> Name {
    "news".parse().unwrap()
}

async fn live(url: &str) -> Arc<dyn Backend> {
    backend_with(url, config().with_live(true)).await
}

async fn next(hints: &mut Hints) -> Hint {
    timeout(Duration::from_secs(10), hints.next()).await.unwrap().unwrap().unwrap()
}

/// Until the hints end, and by which kind of error.
async fn end(hints: &mut Hints) -> ErrorKind {
    let end = async {
        loop {
            if let Err(error) = hints.next().await.expect("an error comes first") {
                break error.kind();
            }
        }
    };
    let kind = timeout(Duration::from_secs(15), end).await.expect("it ends within 15 s");
    assert!(hints.next().await.is_none());
    kind
}

async fn add(backend: &dyn Backend, users: &[i64]) -> NewItem {
    let item = NewItem::new("item");
    let users: Vec<_> = users.iter().copied().map(UserId::Int).collect();
    let args = AddStreamItem::new(users, item.clone()).unwrap();
    backend.add_stream_item(args).await.unwrap();
    item
}

fn users(ids: impl IntoIterator<Item = i64>) -> Vec<UserId> {
    ids.into_iter().map(UserId::Int).collect()
}

/// `redis-cli` that prints what is published.
struct Raw {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Raw {
    fn subscribe(server: &Redis) -> Self {
        let mut child = redis_cli()
            .args(["-u", &server.url(), "psubscribe", "*"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (to, lines) = mpsc::channel();
        std::thread::spawn(move || {
            output.lines().map_while(Result::ok).for_each(|line| _ = to.send(line));
        });
        let raw = Self { child, lines };
        raw.lines.recv_timeout(Duration::from_secs(10)).unwrap();
        raw
    }

    /// The messages before this one, which is published now.
    fn messages(&self, server: &Redis) -> Vec<String> {
        server.cli(&["publish", "end", "end of messages"]);
        let next = || self.lines.recv_timeout(Duration::from_secs(10)).unwrap();
        let lines = std::iter::repeat_with(next).take_while(|line| line != "end of messages");
        lines.filter(|line| line.starts_with('{')).collect()
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_connection_adds_is_told_at_once_with_its_users_and_its_item() {
    let server = Redis::start(&[]);
    let backend = live(&server.url()).await;
    let other = live(&server.url()).await;
    let mut hints = backend.watch().await.unwrap();
    let item = add(&*other, &[42]).await;
    let hint = Hint::new(None).with_users(users([42])).with_item(item.cursor());
    assert_eq!(next(&mut hints).await, hint);

    let item = add(&*other, &[1, 2, 3]).await;
    let hint = Hint::new(None).with_users(users([1, 2, 3])).with_item(item.cursor());
    assert_eq!(next(&mut hints).await, hint);

    // In a feed, whether it is known here or not; and with ids of another kind.
    let feed = other.feed(&news(), UserIdKind::Text).unwrap();
    let item = NewItem::new("item");
    let args = AddStreamItem::new(UserId::Text("a☃".into()), item.clone()).unwrap();
    feed.add_stream_item(args).await.unwrap();
    let ann = vec![UserId::Text("a☃".into())];
    let hint = Hint::new(Some(news())).with_users(ann).with_item(item.cursor());
    assert_eq!(next(&mut hints).await, hint);

    // Of several items: whose.
    let rows = [(1, "a"), (2, "b"), (1, "c")]
        .map(|(user, content)| (UserId::Int(user), NewItem::new(content)));
    other.bulk_add(BulkAdd::new(rows.into()).unwrap()).await.unwrap();
    assert_eq!(next(&mut hints).await, Hint::new(None).with_users(users([1, 2])));
    // Of one: by it.
    let item = NewItem::new("item");
    let rows = [5, 6].map(|user| (UserId::Int(user), item.clone()));
    other.bulk_add(BulkAdd::new(rows.into()).unwrap()).await.unwrap();
    let hint = Hint::new(None).with_users(users([5, 6])).with_item(item.cursor());
    assert_eq!(next(&mut hints).await, hint);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broadcast_is_told_once_for_each_script() {
    let server = Redis::start(&[]);
    let backend = live(&server.url()).await;
    let raw = Raw::subscribe(&server);
    let all: Vec<_> = (0..10_000).collect();
    add(&*backend, &all).await;
    let messages = raw.messages(&server);
    assert_eq!(messages.len(), 50);
    assert!(messages.iter().all(|message| message.len() < 2_000), "{}", messages[0]);
    let rows = all.iter().map(|user| (UserId::Int(*user), NewItem::new("item"))).collect();
    backend.bulk_add(BulkAdd::new(rows).unwrap()).await.unwrap();
    assert_eq!(raw.messages(&server).len(), 50);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_option_nothing_is_published_and_watching_is_unsupported() {
    let server = Redis::start(&[]);
    let backend = backend_with(&server.url(), config()).await;
    let raw = Raw::subscribe(&server);
    add(&*backend, &[1]).await;
    add(&*backend.feed(&news(), UserIdKind::BigInt).unwrap(), &[1, 2]).await;
    let rows = vec![(UserId::Int(1), NewItem::new("item"))];
    backend.bulk_add(BulkAdd::new(rows).unwrap()).await.unwrap();
    assert_eq!(raw.messages(&server), [""; 0]);
    assert!(!backend.capabilities().has(Capability::Watch));
    let error = backend.watch().await.map(drop).unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::Unsupported, Some("watch")));

    let backend = live(&server.url()).await;
    assert!(backend.capabilities().has(Capability::Watch));
    let feed = backend.feed(&news(), UserIdKind::BigInt).unwrap();
    assert!(!feed.capabilities().has(Capability::Watch));
    assert_eq!(feed.watch().await.map(drop).unwrap_err().kind(), ErrorKind::Unsupported);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_understood_is_told_of_every_feed() {
    let server = Redis::start(&[]);
    let backend = live(&server.url()).await;
    let mut hints = backend.watch().await.unwrap();
    backend.feed(&news(), UserIdKind::Text).unwrap();
    for message in ["x", r#"{"v":2}"#] {
        server.cli(&["publish", "user_streams:stream:{live}", message]);
        assert_eq!(next(&mut hints).await, Hint::new(None));
        assert_eq!(next(&mut hints).await, Hint::new(Some(news())));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_hints_end_with_their_connection_and_can_be_had_again() {
    let mut server = Redis::start(&[]);
    let backend = live(&server.url()).await;
    let mut hints = backend.watch().await.unwrap();
    server.cli(&["client", "kill", "type", "pubsub"]);
    assert_eq!(end(&mut hints).await, ErrorKind::Connection);

    let mut hints = backend.watch().await.unwrap();
    server.kill();
    server.restart();
    assert_eq!(end(&mut hints).await, ErrorKind::Connection);

    let mut hints = backend.watch().await.unwrap();
    let item = add(&*backend, &[1]).await;
    assert_eq!(next(&mut hints).await.item, Some(item.cursor()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_does_not_answer_ends_the_hints_within_15_seconds() {
    let mut server = Redis::start(&[]);
    let backend = live(&server.url()).await;
    let mut hints = backend.watch().await.unwrap();
    server.stall();
    assert_eq!(end(&mut hints).await, ErrorKind::Connection);
    server.signal("CONT");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_that_are_not_taken_end_the_hints() {
    let server = Redis::start(&[]);
    let backend = live(&server.url()).await;
    let mut hints = backend.watch().await.unwrap();
    let flood = "for i = 1, 20000 do redis.call('publish', ARGV[1], '{') end";
    server.cli(&["eval", flood, "0", "user_streams:stream:{live}"]);
    let error = loop {
        if let Err(error) = hints.next().await.unwrap() {
            break error;
        }
    };
    assert!(error.message().contains("4096 messages"), "{error}");
    assert!(hints.next().await.is_none());
}

fn subscribers(server: &Redis) -> usize {
    server
        .cli(&["client", "list", "type", "pubsub"])
        .lines()
        .filter(|line| !line.is_empty())
        .count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_connection_is_gone_once_the_hints_are_dropped_or_the_backend_is_closed() {
    let server = Redis::start(&[]);
    let backend = live(&server.url()).await;
    assert_eq!(subscribers(&server), 0);
    let hints = backend.watch().await.unwrap();
    assert_eq!(subscribers(&server), 1);
    drop(hints);
    server.wait_until("the connection is gone", |server| subscribers(server) == 0);

    let mut hints = backend.watch().await.unwrap();
    backend.close().await.unwrap();
    assert_eq!(end(&mut hints).await, ErrorKind::Connection);
    drop(hints);
    server.wait_until("the connection is gone", |server| server.clients() == 0);
    assert_eq!(subscribers(&server), 0);
    assert_eq!(backend.watch().await.map(drop).unwrap_err().kind(), ErrorKind::Connection);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_documented_permissions_suffice() {
    let server = Redis::start(&[]);
    let channels = "&user_streams:stream:*";
    let url = server.restricted(&[channels, "+publish", "+subscribe"]);
    let backend = live(&url).await;
    let mut hints = backend.watch().await.unwrap();
    let item = add(&*backend, &[1]).await;
    assert_eq!(next(&mut hints).await.item, Some(item.cursor()));
    for command in ["publish", "subscribe"] {
        let dry = |channel| {
            server.cli(
                &["acl", "dryrun", "ann", command, channel, "x"]
                    [..if command == "publish" { 6 } else { 5 }],
            )
        };
        assert_eq!(dry("user_streams:stream:{live}"), "OK");
        assert!(dry("other:stream:{live}").contains("no permissions"));
    }

    // Without them nothing is stored, and the error says why.
    let url = server.restricted(&["resetchannels", "+publish", "+subscribe"]);
    let backend = live(&url).await;
    let error = backend
        .add_stream_item(AddStreamItem::new(7, NewItem::new("item")).unwrap())
        .await
        .unwrap_err();
    assert!(error.message().contains("channel"), "{error}");
    assert_eq!(server.cli(&["zcard", "user_streams:stream:7"]), "0");
    let start = Instant::now();
    let error = backend.watch().await.map(drop).unwrap_err();
    assert!(error.message().contains("channel"), "{error}");
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_an_applications_client_the_connection_is_another_one() {
    use user_streams_redis::fred::{
        interfaces::ClientLike,
        types::{Builder, config::Config},
    };
    let server = Redis::start(&[]);
    let client = Builder::from_config(Config::from_url(&server.url()).unwrap()).build().unwrap();
    client.init().await.unwrap();
    let backend = RedisBackend::new(client.clone(), config().with_live(true)).unwrap();
    let mut hints = backend.watch().await.unwrap();
    assert_eq!(subscribers(&server), 1);
    let item = add(&backend, &[1]).await;
    assert_eq!(next(&mut hints).await.item, Some(item.cursor()));
    drop(hints);
    server.wait_until("the connection is gone", |server| subscribers(server) == 0);
    client.quit().await.unwrap();
}
