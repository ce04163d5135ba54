//! A client of HTTP/1.1 with one connection, which it keeps.

use anyhow::{Context, Result, ensure};
use axum::body::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    body::Incoming,
    client::conn::http1::{self, SendRequest},
    header,
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// The header that says who is asking.
pub(super) const USER: &str = "x-user";

pub(super) struct Client {
    sender: SendRequest<Empty<Bytes>>,
    user: usize,
}

pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Client {
    pub(super) async fn connect(address: &str, user: usize) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // It ends with the sender and its answers.
        tokio::spawn(connection);
        Ok(Self { sender, user })
    }

    /// The whole answer, of whatever status.
    pub(super) async fn send(
        &mut self,
        method: Method,
        path: &str,
        known_tag: Option<&str>,
    ) -> Result<Answer> {
        let response = self.ask(method, path, known_tag).await?;
        let (head, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Answer { status: head.status, headers: head.headers, body })
    }

    /// The beginning of an answer that goes on; for this the connection is given up.
    pub(super) async fn open(mut self, path: &str) -> Result<Incoming> {
        let response = self.ask(Method::GET, path, None).await?;
        ensure!(response.status() == StatusCode::OK, "{path}: {}", response.status());
        Ok(response.into_body())
    }

    async fn ask(
        &mut self,
        method: Method,
        path: &str,
        known_tag: Option<&str>,
    ) -> Result<Response<Incoming>> {
        let request = Request::builder().method(method).uri(path);
        let request = request.header(header::HOST, "localhost").header(USER, self.user);
        let request = match known_tag {
            Some(tag) => request.header(header::IF_NONE_MATCH, tag),
            None => request,
        };
        self.sender.ready().await?;
        Ok(self.sender.send_request(request.body(Empty::new())?).await?)
    }
}

impl Answer {
    pub(super) fn tag(&self) -> Result<&str> {
        Ok(self.headers.get(header::ETAG).context("an answer without ETag")?.to_str()?)
    }
}
