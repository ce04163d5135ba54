//! A JSON API on actix-web: a user's feed by cursor, how much of it is unread, and a mark.
//!
//! ```sh
//! cargo run -p user-streams-examples --bin api
//! curl -H 'x-user: 42' 'http://127.0.0.1:3000/feed?limit=5'           # "next": "<cursor>"
//! curl -H 'x-user: 42' 'http://127.0.0.1:3000/feed?limit=5&after=<cursor>'
//! curl -H 'x-user: 42' -X POST 'http://127.0.0.1:3000/read'
//! ```

use std::{
    env, error,
    fmt::{self, Display},
    future::{Ready, ready},
};

use actix_web::{
    App, FromRequest, HttpRequest, HttpResponse, HttpServer, ResponseError,
    dev::Payload,
    error::ErrorUnauthorized,
    http::{StatusCode, header::RETRY_AFTER},
    web::{Data, Json, Query, get, post},
};
use serde::{Deserialize, Serialize};
use user_streams::{Cursor, CursorPage, Error, ErrorKind, Settings, Streams};

/// Who is asking. A real application has its sessions or tokens here.
struct CurrentUser(i64);

impl FromRequest for CurrentUser {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let user =
            request.headers().get("x-user").and_then(|user| user.to_str().ok()?.parse().ok());
        ready(user.map(Self).ok_or_else(|| ErrorUnauthorized("x-user says who is asking")))
    }
}

#[derive(Deserialize)]
struct Window {
    limit: Option<usize>,
    /// The `next` of another page.
    after: Option<Cursor>,
}

/// A page, newest first. Unlike a numbered one it costs the same however deep it is, and does not
/// shift when something is added.
async fn feed(
    streams: Data<Streams>,
    CurrentUser(user): CurrentUser,
    window: Query<Window>,
) -> Result<Json<CursorPage>, Failure> {
    let limit = window.limit.unwrap_or(20).clamp(1, 100);
    let mut page = streams.get_stream_items(user).cursor_page(limit);
    if let Some(cursor) = window.after {
        page = page.after(cursor);
    }
    Ok(Json(page.await?))
}

#[derive(Serialize)]
struct Unread {
    unread: usize,
}

async fn unread(streams: Data<Streams>, me: CurrentUser) -> Result<Json<Unread>, Failure> {
    // Enough for a badge that says "99+", and never a count of a million.
    let unread = streams.get_stream_items(me.0).unread(100).await?;
    Ok(Json(Unread { unread }))
}

async fn read(streams: Data<Streams>, me: CurrentUser) -> Result<HttpResponse, Failure> {
    streams.get_stream_items(me.0).mark_read().await?;
    Ok(HttpResponse::NoContent().finish())
}

/// An error of the library as an answer.
#[derive(Debug)]
struct Failure(Error);

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What happened in the database is for the log alone.
        f.write_str(if self.0.is_retryable() {
            "try again in a moment"
        } else {
            "it cannot be had"
        })
    }
}

impl ResponseError for Failure {
    fn status_code(&self) -> StatusCode {
        match self.0.kind() {
            ErrorKind::InvalidUserId => StatusCode::FORBIDDEN,
            _ if self.0.is_retryable() => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        eprintln!("{}", self.0);
        let mut answer = HttpResponse::build(self.status_code());
        if self.0.is_retryable() {
            answer.insert_header((RETRY_AFTER, "1"));
        }
        answer.body(self.to_string())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn error::Error>> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let streams = Streams::connect(Settings::new("single-table+sqlite::memory:")).await?;
    streams.migrate().await?;
    for n in 1..=12 {
        streams.add_stream_item(42, format!("Message {n}")).await?;
    }

    let streams = Data::new(streams); // one handle for all of actix's threads
    let server = HttpServer::new(move || {
        App::new()
            .app_data(streams.clone())
            .route("/feed", get().to(feed))
            .route("/unread", get().to(unread))
            .route("/read", post().to(read))
    });
    let server = server.bind(address)?;
    println!("http://{}", server.addrs()[0]);
    Ok(server.run().await?)
}
