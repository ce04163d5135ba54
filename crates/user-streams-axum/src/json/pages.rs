//! Pages by cursor.

use axum::{http::HeaderValue, response::Response};
use chrono::{DateTime, FixedOffset};
use serde::Serialize;
use user_streams_core::{Cursor, CursorPage, Error, ErrorKind, StreamItem};

use crate::{
    answer::{Content, Problem},
    reading::{are_read, resume_place},
    request::{Asking, Base, Window},
};

/// An item, as programs see it.
#[derive(Debug, Serialize)]
pub(crate) struct ItemBody {
    cursor: Cursor,
    /// A string, since JavaScript's numbers end at 2^53.
    id: String,
    created_at: DateTime<FixedOffset>,
    content: String,
    /// Absent where nothing is known of marks.
    #[serde(skip_serializing_if = "Option::is_none")]
    read: Option<bool>,
    /// How the page shows it, if that is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    html: Option<String>,
}

impl ItemBody {
    pub(crate) fn new(item: StreamItem, read: Option<bool>) -> Self {
        Self {
            cursor: item.cursor(),
            id: item.id.to_string(),
            created_at: item.created_at,
            content: item.content,
            read,
            html: None,
        }
    }

    pub(crate) fn with_html(mut self, html: String) -> Self {
        self.html = Some(html);
        self
    }
}

#[derive(Serialize)]
struct PageBody {
    items: Vec<ItemBody>,
    next: Option<Cursor>,
    previous: Option<Cursor>,
    /// Of the first page: from where on the events go.
    #[serde(skip_serializing_if = "Option::is_none")]
    live_after: Option<Cursor>,
}

/// A page, with what leads to others in `Link`.
pub(crate) async fn page(asking: Asking, window: Window) -> Result<Response, Problem> {
    let page = window.page(&asking.items).await?;
    let read = are_read(&asking.items, &page.items).await?;
    let link = links(&asking.base, &window, &page);
    let live_after = window.is_first().then(|| resume_place(&page.items));
    let items = page.items.into_iter().zip(read);
    let body = PageBody {
        items: items.map(|(item, read)| ItemBody::new(item, read)).collect(),
        next: page.next,
        previous: page.previous,
        live_after,
    };
    let body = serde_json::to_string(&body).map_err(unserializable)?;
    let content = Content { kind: "application/json", body, link: Some(link) };
    Ok(asking.answer(content))
}

/// RFC 8288.
fn links(base: &Base, window: &Window, page: &CursorPage) -> HeaderValue {
    let items = base.to("/items");
    let limit = window.limit;
    let mut links = vec![format!("<{items}?limit={limit}>; rel=\"first\"")];
    if let Some(place) = page.next {
        links.push(format!("<{items}?limit={limit}&after={place}>; rel=\"next\""));
    }
    if let Some(place) = page.previous {
        links.push(format!("<{items}?limit={limit}&before={place}>; rel=\"prev\""));
    }
    // The path was in a request, and a cursor is letters and digits.
    HeaderValue::try_from(links.join(", ")).unwrap_or(HeaderValue::from_static(""))
}

fn unserializable(error: serde_json::Error) -> Problem {
    tracing::error!(%error, "an item cannot be written as JSON");
    Problem::from(Error::new(ErrorKind::Backend, "an item cannot be written as JSON"))
}
