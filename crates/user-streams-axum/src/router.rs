//! The routes.

use std::sync::Arc;

use axum::{
    Router,
    http::{StatusCode, request::Parts},
    middleware,
    response::IntoResponse,
    routing::{any, get, post},
};
use user_streams_core::Streams;

use crate::{
    answer::{Fresh, Problem},
    html, json,
    live::{Connections, events},
    options::Options,
    request::{add_headers, refuse_cross_site},
    site::Site,
    syndication::{atom, json_feed},
    viewer::{self, Viewer},
};

/// A router to nest, with the streams of whoever asks.
///
/// `who` says who is asking, by the parts of a request: anything that names a user, a [`Viewer`],
/// or an answer in place of this library's, such as 401 or a redirect to where one logs in. It is
/// asked at each request; only the style sheet, the script, the icon and the description in OpenAPI
/// are for everyone. [`by_extractor`](crate::by_extractor) makes it of an extractor.
///
/// ```
/// use axum::{Router, http::{StatusCode, request::Parts}};
/// use user_streams_axum::{Options, router};
/// use user_streams_core::{MemoryBackend, Streams};
///
/// async fn who(parts: Parts) -> Result<i64, StatusCode> {
///     // Of the session, in an application.
///     let user = parts.headers.get("x-user").and_then(|user| user.to_str().ok());
///     user.and_then(|user| user.parse().ok()).ok_or(StatusCode::UNAUTHORIZED)
/// }
///
/// let streams = Streams::from_backend(MemoryBackend::default());
/// let app: Router = Router::new().nest("/feed", router(streams, who, Options::new()));
/// ```
pub fn router<S, F, A, V, R>(streams: Streams, who: F, options: Options) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    F: Fn(Parts) -> A + Send + Sync + 'static,
    A: Future<Output = Result<V, R>> + Send + 'static,
    V: Into<Viewer>,
    R: IntoResponse,
{
    let connections = Connections::new(options.connections_per_user);
    let fresh = Fresh::new(options.fresh_for);
    let site = Arc::new(Site { streams, who: viewer::who(who), options, connections, fresh });
    let changes = Router::new()
        .route("/seen", post(json::mark_seen))
        .route("/read", post(json::mark_read))
        .route("/items/{stream_cursor}/read", post(json::mark_item_read))
        .route("/items/{stream_cursor}/unread", post(json::mark_item_unread))
        .route("/items/{stream_cursor}/dismiss", post(json::dismiss))
        .route("/items/{stream_cursor}/undismiss", post(json::undismiss))
        .layer(middleware::from_fn_with_state(Arc::clone(&site), refuse_cross_site));
    Router::new()
        .route("/", get(html::page))
        .route("/bell", get(html::bell))
        .route("/list", get(html::list))
        .route("/assets/feed.css", get(html::style))
        .route("/assets/feed.js", get(html::script))
        .route("/assets/icon.svg", get(html::icon))
        .route("/items", get(json::page))
        .route("/counts", get(json::counts))
        .route("/feed.atom", get(atom))
        .route("/feed.json", get(json_feed))
        .route("/events", get(events))
        .route("/openapi.json", get(json::openapi))
        .merge(changes)
        // No fallback: axum puts that at the root, beside which no path can begin with a parameter.
        .route("/{*stream_path}", any(nothing))
        .method_not_allowed_fallback(async || {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method", "this needs another method")
        })
        .layer(middleware::from_fn(add_headers))
        .with_state(site)
}

async fn nothing() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not-found", "there is nothing at this path")
}
