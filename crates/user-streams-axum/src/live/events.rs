//! A stream of events.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::{FromRequestParts, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use chrono::Utc;
use futures_util::{
    FutureExt, Stream, StreamExt,
    future::{self, Either},
    stream,
};
use serde::Deserialize;
use user_streams_core::{Cursor, Result, StreamItem};

use crate::{
    answer::Problem,
    html::article_of,
    json::ItemBody,
    live::connections::Connection,
    request::{Asking, parameters},
    site::Shared,
};

/// After which a client connects again, in milliseconds: at random in between, so that not all
/// return at once to a server that has been started again.
const RETRY_MS: (u64, u64) = (1_000, 5_000);

/// When one who has too many streams of events may try again, in seconds.
const RETRY_AFTER: u32 = 30;

/// What a client wants to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Items {
    /// Items as JSON.
    #[default]
    Json,
    /// The same with the HTML of the page.
    Html,
    /// That something has come, and not what.
    None,
}

/// From where on, and what.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    after: Option<Cursor>,
    items: Items,
}

#[derive(Deserialize)]
struct Parameters {
    after: Option<Cursor>,
    #[serde(default)]
    items: Items,
}

impl FromRequestParts<Shared> for Wanted {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self, Problem> {
        let Parameters { after, items } = parameters(&parts.uri)?;
        // A browser that connects again has the URL of the first time, and says where it was.
        Ok(Self { after: last_event_id(&parts.headers)?.or(after), items })
    }
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<Cursor>, Problem> {
    match headers.get(HeaderName::from_static("last-event-id")).map(HeaderValue::to_str) {
        None | Some(Ok("")) => Ok(None),
        Some(id) => Ok(Some(id.unwrap_or_default().parse()?)),
    }
}

/// Items and hints, until the client goes, the server stops or the stream's time is over.
pub(crate) async fn events(
    State(site): State<Shared>,
    wanted: Wanted,
    asking: Asking,
) -> Result<Response, Problem> {
    let Some(connection) = site.connections.open(asking.items.user()) else {
        let detail = "this user has too many streams of events open: close one, or wait";
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-streams", detail);
        return Err(problem.retry_after(RETRY_AFTER));
    };
    // What no retry can mend is told now: a browser does not see how a stream of events ends.
    asking.items.cursor_page(1).await?;
    let (heartbeat, lifetime) = (site.options.heartbeat, site.options.lifetime);
    let over = future::select(site.options.shutdown.clone(), sleep(lifetime).boxed());
    let events = hello(heartbeat).chain(all(asking, wanted, connection)).take_until(over);
    let events = Sse::new(events.map(Ok::<_, Infallible>));
    let mut response = events.keep_alive(KeepAlive::new().interval(heartbeat)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // nginx would keep events back.
    let name = HeaderName::from_static("x-accel-buffering");
    headers.insert(name, HeaderValue::from_static("no"));
    Ok(response)
}

async fn sleep(time: Duration) {
    tokio::time::sleep(time).await;
}

/// The first event: the connection stands. Like every event that is no item it has no id, so that
/// the client's last one stays that of an item.
fn hello(heartbeat: Duration) -> impl Stream<Item = Event> {
    let (from, to) = RETRY_MS;
    let retry = Duration::from_millis(fastrand::u64(from..to));
    let data = format!("{{\"heartbeat_ms\":{}}}", heartbeat.as_millis());
    stream::iter([Event::default().event("hello").retry(retry).data(data)])
}

/// What comes. It is read as the client takes it, so that nothing is gathered here for a slow one.
fn all(asking: Asking, wanted: Wanted, connection: Connection) -> impl Stream<Item = Event> {
    let items = match wanted.after {
        Some(place) => asking.items.subscribe_after(place),
        None => asking.items.subscribe(),
    };
    let mut place = wanted.after;
    let items = items.map(move |item| match item {
        Ok(item) => {
            place = place.max(reached(&item));
            Either::Left(told(&asking, wanted.items, item, place))
        }
        Err(error) => Either::Right(Problem::from(error).to_json()),
    });
    // An error that no retry mends is the last of the items, and then of all.
    let items = items.flat_map(|item| match item {
        Either::Left(event) => stream::iter([Some(event), None]).take(1).left_stream(),
        Either::Right(problem) => {
            let event = Event::default().event("problem").data(problem);
            stream::iter([Some(event), None]).right_stream()
        }
    });
    let hints = stream::unfold(connection, |mut connection| async move {
        connection.changed().await;
        Some((Some(hint("marks")), connection))
    });
    stream::select(items, hints)
        .take_while(|event| future::ready(event.is_some()))
        .filter_map(future::ready)
}

/// The place of an item, unless it is still to come: a client that went on from there would miss
/// what comes before.
fn reached(item: &StreamItem) -> Option<Cursor> {
    (item.created_at <= Utc::now()).then(|| item.cursor())
}

/// An item, with the furthest place so far as its id: after an item that came late the client goes
/// on from there all the same, and not from the item's old date.
fn told(asking: &Asking, wanted: Items, item: StreamItem, place: Option<Cursor>) -> Event {
    // A client that asks now is not to be told that nothing has changed.
    asking.site.forget(asking.items.user());
    let event = match wanted {
        Items::None => return hint("items"),
        Items::Json => event_of(&ItemBody::new(item, None)),
        Items::Html => {
            let html = article_of(&asking.site, &asking.base, &item);
            event_of(&ItemBody::new(item, None).with_html(html))
        }
    };
    match place {
        Some(place) => event.id(place.to_string()),
        None => event,
    }
}

fn event_of(item: &ItemBody) -> Event {
    let data = serde_json::to_string(item).unwrap_or_default();
    Event::default().event("item").data(data)
}

/// That something has changed, so that the client asks for it again.
fn hint(changed: &str) -> Event {
    Event::default().event("hint").data(format!("{{\"changed\":\"{changed}\"}}"))
}
