//! A web server of an application: the router of `user-streams-axum`, and a path that adds.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Result;
use axum::{
    Json, Router,
    extract::{OriginalUri, State},
    http::{StatusCode, request::Parts},
    routing::post,
};
use fastrand::Rng;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};
use user_streams_axum::{Options, router};

use crate::{fixture::Fixture, history::Item};

/// How many streams of events a user may have.
pub(crate) const PLACES: usize = 4;
/// How long the server may take to stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// A running server. Its paths begin with the user who asks: `/3/feed`.
pub(crate) struct Site {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    server: JoinHandle<io::Result<()>>,
}

impl Site {
    pub(crate) async fn start(fixture: &Arc<Fixture>) -> Result<Self> {
        let (stop, stopped) = oneshot::channel::<()>();
        let (end_streams, streams_end) = oneshot::channel::<()>();
        let options = Options::new()
            .with_connections_per_user(PLACES)
            // By which it notices that a client is gone.
            .with_heartbeat(Duration::from_millis(100))
            .with_shutdown(async move { drop(streams_end.await) });
        let users = Arc::clone(fixture);
        let who = move |parts: Parts| {
            let path = parts.extensions.get::<OriginalUri>().map(|uri| uri.path().to_owned());
            let user = path.and_then(|path| path.split('/').nth(1)?.parse().ok());
            let user = user.map(|user| users.store.user_id(user)).ok_or(StatusCode::UNAUTHORIZED);
            async { user }
        };
        let app = Router::new()
            .route("/add", post(add))
            .with_state(Arc::clone(fixture))
            .nest("/{user}/feed", router(fixture.streams.clone(), who, options));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let server = axum::serve(listener, app).with_graceful_shutdown(async move {
            drop(stopped.await);
            drop(end_streams);
        });
        let server = tokio::spawn(server.into_future());
        Ok(Self { address, stop, server })
    }

    /// Sends a request and reads the whole answer. Dropped, it closes the connection where it is.
    pub(crate) async fn ask(&self, request: &Request, resets: bool) -> io::Result<Answer> {
        let mut socket = self.send(request, resets).await?;
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).await?;
        Answer::of(&answer).ok_or_else(|| io::Error::other("the answer is cut off"))
    }

    /// Sends a request, in two pieces. `resets`: once the socket is dropped, the server is not told
    /// of an end but of an error.
    pub(crate) async fn send(&self, request: &Request, resets: bool) -> io::Result<TcpStream> {
        let mut socket = TcpStream::connect(self.address).await?;
        if resets {
            socket.set_zero_linger()?;
        }
        let text = request.text();
        let (first, second) = text.split_at(text.len() / 2);
        socket.write_all(first.as_bytes()).await?;
        tokio::task::yield_now().await;
        socket.write_all(second.as_bytes()).await?;
        Ok(socket)
    }

    /// Stops the server: it ends its streams, and answers what it has begun to answer.
    pub(crate) async fn stop(self, fixture: &Fixture) -> Result<()> {
        let Self { stop, mut server, .. } = self;
        drop(stop);
        match timeout(STOP_TIMEOUT, &mut server).await {
            Ok(ended) => ended??,
            Err(_) => {
                fixture.problem(format!("the web server took over {} s", STOP_TIMEOUT.as_secs()));
                server.abort();
            }
        }
        Ok(())
    }
}

/// Adds an item, unless the client goes: then this is dropped.
async fn add(
    State(fixture): State<Arc<Fixture>>,
    Json(item): Json<Item>,
) -> Result<String, (StatusCode, String)> {
    let added = fixture.start(&item).await;
    let failed = |error: user_streams_core::Error| {
        (StatusCode::SERVICE_UNAVAILABLE, format!("{:?}: {error}", error.kind()))
    };
    Ok(added.map_err(failed)?.delivered.to_string())
}

/// What a client asks for.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    path: String,
    /// It is posted.
    json: Option<String>,
}

impl Request {
    pub(crate) fn get(path: String) -> Self {
        Self { path, json: None }
    }

    pub(crate) fn post(path: String, json: String) -> Self {
        Self { path, json: Some(json) }
    }

    fn text(&self) -> String {
        let path = &self.path;
        match &self.json {
            None => format!("GET {path} HTTP/1.1\r\nHost: site\r\nConnection: close\r\n\r\n"),
            Some(json) => format!(
                "POST {path} HTTP/1.1\r\nHost: site\r\nConnection: close\r\n\
                 Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{json}",
                json.len()
            ),
        }
    }
}

/// What the server has answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Answer {
    fn of(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some(Self { status, body: body.to_owned() })
    }
}

/// A stream of events.
pub(crate) struct Events {
    socket: TcpStream,
    buffer: Vec<u8>,
}

impl Events {
    /// Opens one; the error is the status of the refusal.
    pub(crate) async fn open(
        site: &Site,
        user: i64,
        rng: &mut Rng,
    ) -> io::Result<Result<Self, u16>> {
        let request = Request::get(format!("/{user}/feed/events"));
        let socket = site.send(&request, rng.bool()).await?;
        let mut events = Self { socket, buffer: Vec::new() };
        let status = events.line().await?;
        let status = status.split(' ').nth(1).and_then(|status| status.parse().ok());
        Ok(match status {
            Some(200) => Ok(events),
            other => Err(other.unwrap_or(0)),
        })
    }

    /// The data of the next item.
    pub(crate) async fn next(&mut self) -> io::Result<String> {
        while self.line().await? != "event: item" {}
        loop {
            if let Some(data) = self.line().await?.strip_prefix("data: ") {
                return Ok(data.to_owned());
            }
        }
    }

    async fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = self.buffer.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
            if self.socket.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}
