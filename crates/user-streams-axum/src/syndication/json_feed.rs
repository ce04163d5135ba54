//! JSON Feed 1.1: <https://www.jsonfeed.org/version/1.1/>.

use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::Serialize;
use user_streams_core::{Error, ErrorKind, StreamItem};

use crate::{
    answer::{Content, Problem},
    request::{Asking, Window},
    shown::Body,
    syndication::entry::{absolute, title, url, urn},
};

#[derive(Serialize)]
struct Feed {
    version: &'static str,
    title: String,
    language: String,
    home_page_url: String,
    feed_url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_url: Option<String>,
    items: Vec<Item>,
}

#[derive(Serialize)]
struct Item {
    id: String,
    title: String,
    date_published: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_html: Option<String>,
}

pub(crate) async fn json_feed(asking: Asking, window: Window) -> Result<Response, Problem> {
    let page = window.page(&asking.items).await?;
    let limit = window.limit;
    let next = page.next.map(|next| format!("/feed.json?limit={limit}&after={next}"));
    let feed = Feed {
        version: "https://jsonfeed.org/version/1.1",
        title: asking.site.options.title.clone(),
        language: asking.site.options.lang.clone(),
        home_page_url: absolute(&asking, asking.base.root()),
        feed_url: url(&asking, "/feed.json"),
        next_url: next.map(|next| url(&asking, &next)),
        items: page.items.iter().map(|item| of(&asking, item)).collect(),
    };
    let body = serde_json::to_string(&feed).map_err(|error| {
        Error::new(ErrorKind::Backend, "the feed cannot be written as JSON").with_source(error)
    })?;
    let content = Content { kind: "application/feed+json; charset=utf-8", body, link: None };
    Ok(asking.answer(content))
}

fn of(asking: &Asking, item: &StreamItem) -> Item {
    let shown = (asking.site.options.shown)(item);
    let title = title(&shown.plain());
    let (content_text, content_html) = match shown.body {
        Body::Text(text) => (Some(text), None),
        #[cfg(feature = "html")]
        Body::Html(html) => (None, Some(html)),
    };
    Item {
        id: urn(&item.cursor().to_string()),
        title,
        date_published: item.created_at.to_utc(),
        url: shown.link.map(|link| absolute(asking, &link)),
        content_text,
        content_html,
    }
}
