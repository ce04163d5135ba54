//! Items as they come, over a real socket.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};
use user_streams_axum::Options;
use user_streams_core::{Cursor, Streams};

use crate::app::{App, BASE, ME, filled};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server of its own, which is stopped gracefully.
struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    stopped: JoinHandle<()>,
}

impl Server {
    async fn start(streams: Streams, options: Options) -> Self {
        let (stop, told) = oneshot::channel::<()>();
        let (first, second) = (oneshot::channel::<()>(), oneshot::channel::<()>());
        tokio::spawn(async move {
            drop(told.await);
            drop((first.0, second.0));
        });
        let options = options.with_shutdown(async move { drop(first.1.await) });
        let App(app) = App::with(streams, options);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = axum::serve(listener, app);
        let server = server.with_graceful_shutdown(async move { drop(second.1.await) });
        let stopped = tokio::spawn(async move { server.await.unwrap() });
        Self { address, stop, stopped }
    }

    async fn events(&self, query: &str, headers: &str) -> Events {
        let socket = self.send(&format!("/events{query}"), headers).await;
        let mut events = Events(BufReader::new(socket), String::new());
        let head = events.block().await;
        events.1.clone_from(&head);
        events
    }

    /// The whole answer to a request.
    async fn get(&self, path: &str, headers: &str) -> String {
        let mut answer = String::new();
        self.send(path, headers).await.read_to_string(&mut answer).await.unwrap();
        answer
    }

    async fn send(&self, path: &str, headers: &str) -> TcpStream {
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        let request = format!(
            "GET {BASE}{path} HTTP/1.1\r\nhost: localhost\r\nx-user: {ME}\r\n\
             connection: close\r\n{headers}\r\n"
        );
        socket.write_all(request.as_bytes()).await.unwrap();
        socket
    }
}

/// One client. What it reads is cut into blocks at empty lines; the lengths of chunks are left out.
struct Events(BufReader<TcpStream>, String);

#[derive(Debug, PartialEq, Eq)]
struct Received {
    kind: String,
    id: Option<String>,
    data: String,
}

impl Events {
    fn status(&self) -> &str {
        self.1.split(' ').nth(1).unwrap_or_default()
    }

    async fn block(&mut self) -> String {
        let mut block = String::new();
        loop {
            let mut line = String::new();
            let read = self.0.read_line(&mut line);
            let read = timeout(PATIENCE, read).await.expect("nothing comes").unwrap();
            let text = line.trim_end_matches(['\r', '\n']);
            let is_length = line.ends_with("\r\n") && u32::from_str_radix(text, 16).is_ok();
            if read == 0 || text.is_empty() && !block.is_empty() {
                return block;
            }
            if !is_length && !text.is_empty() {
                block.push_str(text);
                block.push('\n');
            }
        }
    }

    /// The next event; comments are passed over, but not for ever.
    async fn next(&mut self) -> Option<Received> {
        timeout(PATIENCE, self.after_comments()).await.expect("no event comes")
    }

    async fn after_comments(&mut self) -> Option<Received> {
        loop {
            let block = self.block().await;
            if block.is_empty() {
                return None;
            }
            let field = |name: &str| {
                let start = format!("{name}: ");
                block.lines().find_map(|line| line.strip_prefix(&start)).map(str::to_owned)
            };
            if let Some(kind) = field("event") {
                let data = field("data").unwrap_or_default();
                return Some(Received { kind, id: field("id"), data });
            }
        }
    }

    async fn item(&mut self) -> (String, Cursor) {
        loop {
            let event = self.next().await.expect("it has ended");
            if event.kind == "item" {
                let item: serde_json::Value = serde_json::from_str(&event.data).unwrap();
                let content = item["content"].as_str().unwrap().to_owned();
                return (content, event.id.unwrap().parse().unwrap());
            }
        }
    }

    async fn hello(&mut self) -> Received {
        let event = self.next().await.unwrap();
        assert_eq!(event.kind, "hello");
        event
    }
}

#[tokio::test]
async fn an_item_comes_with_its_place_as_id_and_a_control_frame_has_none() {
    let (streams, items) = filled(1).await;
    let server = Server::start(streams.clone(), Options::new()).await;
    let mut events = server.events(&format!("?after={}", items[0].cursor()), "").await;
    assert_eq!(events.status(), "200");
    let head = events.1.to_ascii_lowercase();
    assert!(head.contains("content-type: text/event-stream"), "{head}");
    assert!(head.contains("x-accel-buffering: no"), "{head}");
    assert!(head.contains("cache-control: no-store"), "{head}");
    assert_eq!(events.hello().await.id, None);
    let sent = streams.add_stream_item(ME, "new\r\nline").await.unwrap().item;
    assert_eq!(events.item().await, ("new\r\nline".to_owned(), sent));
    streams.add_stream_item(43, "another's").await.unwrap();
    let sent = streams.add_stream_item(ME, "mine").await.unwrap().item;
    assert_eq!(events.item().await, ("mine".to_owned(), sent));
}

#[tokio::test]
async fn a_client_that_returns_goes_on_where_it_was() {
    let (streams, _) = filled(0).await;
    let streams = streams.with_lateness(Duration::ZERO);
    let now = chrono::Utc::now();
    let mut places = Vec::new();
    for n in 0..4_i64 {
        let at = now - chrono::TimeDelta::hours(4 - n);
        let add = streams.add_stream_item(ME, n.to_string()).created_at(at);
        places.push(add.await.unwrap().item);
    }
    let server = Server::start(streams, Options::new()).await;
    // The header of a browser goes before the URL of the first time.
    let header = format!("last-event-id: {}\r\n", places[1]);
    let mut events = server.events(&format!("?after={}", places[3]), &header).await;
    assert_eq!(events.item().await, ("2".to_owned(), places[2]));
    assert_eq!(events.item().await, ("3".to_owned(), places[3]));
    let mut events = server.events(&format!("?after={}", places[2]), "").await;
    assert_eq!(events.item().await, ("3".to_owned(), places[3]));
    let events = server.events("", "last-event-id: x\r\n").await;
    assert_eq!(events.status(), "400");
}

#[tokio::test]
async fn the_id_of_a_late_item_is_the_furthest_place_so_far() {
    let (streams, items) = filled(1).await;
    let server = Server::start(streams.clone(), Options::new()).await;
    let mut events = server.events(&format!("?after={}", items[0].cursor()), "").await;
    events.hello().await;
    let newest = streams.add_stream_item(ME, "new").await.unwrap().item;
    assert_eq!(events.item().await.1, newest);
    let late = items[0].created_at.to_utc() - chrono::TimeDelta::seconds(1);
    streams.add_stream_item(ME, "late").created_at(late).await.unwrap();
    assert_eq!(events.item().await, ("late".to_owned(), newest));
    // Nor does one with a date to come take the client there.
    let tomorrow = late + chrono::TimeDelta::days(1);
    streams.add_stream_item(ME, "tomorrow").created_at(tomorrow).await.unwrap();
    assert_eq!(events.item().await, ("tomorrow".to_owned(), newest));
}

#[tokio::test]
async fn html_comes_as_the_page_shows_it_and_hints_without_items() {
    let (streams, items) = filled(1).await;
    let server = Server::start(streams.clone(), Options::new()).await;
    let after = items[0].cursor();
    let mut html = server.events(&format!("?items=html&after={after}"), "").await;
    let mut hints = server.events(&format!("?items=none&after={after}"), "").await;
    html.hello().await;
    hints.hello().await;
    streams.add_stream_item(ME, "<b>&").await.unwrap();
    let event = html.next().await.unwrap();
    assert!(event.data.contains("&lt;b&gt;&amp;"), "{event:?}");
    assert!(event.data.contains(BASE), "{event:?}");
    let hint = hints.next().await.unwrap();
    let expected = ("hint", None, r#"{"changed":"items"}"#);
    assert_eq!((hint.kind.as_str(), hint.id, hint.data.as_str()), expected);
}

#[tokio::test]
async fn what_is_marked_in_one_page_is_told_to_the_others() {
    let (streams, _) = filled(1).await;
    let options = Options::new();
    let (stop, stopped) = oneshot::channel::<()>();
    let app = App::with(streams, options.with_shutdown(async move { drop(stopped.await) }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = app.0.clone();
    let served = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let server = Server { address, stop, stopped: served };
    let mut events = server.events("?items=none", "").await;
    events.hello().await;
    app.post("/read", "{}").await;
    let hint = events.next().await.unwrap();
    assert_eq!(hint.data, r#"{"changed":"marks"}"#);
    drop(server.stop);
    server.stopped.abort();
}

#[tokio::test]
async fn a_stream_without_events_says_that_it_lives() {
    let (streams, _) = filled(0).await;
    let options = Options::new().with_heartbeat(Duration::from_millis(20));
    let server = Server::start(streams, options).await;
    let mut events = server.events("", "").await;
    events.hello().await;
    for _ in 0..3 {
        assert_eq!(events.block().await.trim_end(), ":");
    }
}

#[tokio::test]
async fn a_user_has_so_many_and_one_that_goes_makes_room() {
    let (streams, _) = filled(0).await;
    let options = Options::new().with_connections_per_user(2);
    let server = Server::start(streams, options).await;
    let mut first = server.events("", "").await;
    let mut second = server.events("", "").await;
    first.hello().await;
    second.hello().await;
    let mut third = server.events("", "").await;
    assert_eq!(third.status(), "429");
    assert!(third.1.to_ascii_lowercase().contains("retry-after: "), "{}", third.1);
    assert!(third.block().await.contains("too-many-streams"));
    drop(first);
    let open = async {
        loop {
            let events = server.events("", "").await;
            if events.status() == "200" {
                return events;
            }
            tokio::task::yield_now().await;
        }
    };
    let mut events = timeout(PATIENCE, open).await.expect("no room");
    events.hello().await;
}

#[tokio::test]
async fn it_ends_when_the_server_stops() {
    let (streams, _) = filled(0).await;
    let server = Server::start(streams, Options::new()).await;
    let mut events = server.events("", "").await;
    events.hello().await;
    drop(server.stop);
    assert_eq!(events.next().await, None);
    let mut rest = Vec::new();
    timeout(PATIENCE, events.0.read_to_end(&mut rest)).await.expect("it is open").unwrap();
    timeout(PATIENCE, server.stopped).await.expect("the server waits for it").unwrap();
}

#[tokio::test]
async fn it_ends_when_its_time_is_over_so_that_the_application_is_asked_anew() {
    let (streams, _) = filled(0).await;
    let options = Options::new().with_event_lifetime(Duration::from_millis(50));
    let server = Server::start(streams, options).await;
    let mut events = server.events("", "").await;
    events.hello().await;
    assert_eq!(events.next().await, None);
}

#[tokio::test]
async fn who_was_sent_an_event_is_not_told_that_nothing_has_changed() {
    let (streams, _) = filled(1).await;
    let options = Options::new().with_fresh_for(Duration::from_secs(600));
    let server = Server::start(streams.clone(), options).await;
    let mut events = server.events("", "").await;
    events.hello().await;
    let answer = server.get("/items", "").await;
    let tag = answer.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap();
    let again = format!("if-none-match: {tag}\r\n");
    assert!(server.get("/items", &again).await.starts_with("HTTP/1.1 304"));
    streams.add_stream_item(ME, "new").await.unwrap();
    events.item().await;
    assert!(server.get("/items", &again).await.starts_with("HTTP/1.1 200"));
}
