//! An application with the router in it.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode, header, request::Parts},
    response::Response,
};
use serde_json::Value;
use tower::ServiceExt;
use user_streams_axum::{Options, router};
use user_streams_core::{MemoryBackend, StreamItem, Streams};

pub const ME: i64 = 42;

/// With every setting that the router makes use of.
pub fn streams() -> Streams {
    let streams = Streams::from_backend(MemoryBackend::default()).with_use_utc(true);
    let streams = streams.with_audiences(true).unwrap().with_dismissals(true).unwrap();
    streams.with_item_marks(true).unwrap().with_retractions(true).unwrap()
}

/// `item 0`, `item 1` and so on; the newest first.
pub async fn filled(count: usize) -> (Streams, Vec<StreamItem>) {
    let streams = streams();
    for n in 0..count {
        streams.add_stream_item(ME, format!("item {n}")).await.unwrap();
    }
    let items = streams.get_stream_items(ME).await.unwrap();
    (streams, items)
}

/// The user of the header `x-user`.
async fn who(parts: Parts) -> Result<i64, StatusCode> {
    let user = parts.headers.get("x-user").and_then(|user| user.to_str().ok()?.parse().ok());
    user.ok_or(StatusCode::UNAUTHORIZED)
}

pub struct App(pub Router);

impl App {
    pub fn new(streams: Streams) -> Self {
        Self::with(streams, Options::new())
    }

    /// Nested under a path that has a parameter, in an application with a state of its own.
    pub fn with(streams: Streams, options: Options) -> Self {
        let feed: Router<Arc<()>> = router(streams, who, options);
        Self(Router::new().nest("/{tenant}/feed", feed).with_state(Arc::new(())))
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        Answer::of(self.0.clone().oneshot(request).await.unwrap()).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[]).await
    }

    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        // axum does not nest `/feed/`, only `/feed` and what is below.
        let path = match path.strip_prefix('/') {
            Some(query) if query.is_empty() || query.starts_with('?') => query,
            _ => path,
        };
        let mut request = Request::get(format!("{BASE}{path}")).header("x-user", ME);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// As a program does it.
    pub async fn post(&self, path: &str, json: &str) -> Answer {
        let request = Request::post(format!("{BASE}{path}")).header("x-user", ME);
        let request = request.header(header::CONTENT_TYPE, "application/json");
        self.send(request.body(json.to_owned().into()).unwrap()).await
    }

    /// As a form of the page does it.
    pub async fn submit(&self, path: &str, fields: &str) -> Answer {
        let request = Request::post(format!("{BASE}{path}")).header("x-user", ME);
        let request = request.header("sec-fetch-site", "same-origin");
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(fields.to_owned().into()).unwrap()).await
    }
}

pub const BASE: &str = "/acme/feed";

pub struct Answer {
    pub status: StatusCode,
    pub headers: axum::http::HeaderMap,
    pub body: String,
}

impl Answer {
    async fn of(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        Self { status: parts.status, headers: parts.headers, body }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// It is a problem of this status.
    #[track_caller]
    pub fn is_problem(&self, status: u16, code: &str) {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!((&problem["status"], &problem["code"]), (&status.into(), &code.into()));
        for field in ["type", "title", "detail"] {
            assert!(problem[field].as_str().is_some_and(|text| !text.is_empty()), "{problem}");
        }
    }
}
