//! Which part of a stream a request is about.

use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::request::Parts,
};
use serde::Deserialize;
use user_streams_core::{Cursor, CursorPageRequest, StreamItems};

use crate::{
    answer::{Problem, Result},
    options::Options,
    request::asking::parameters,
    site::Shared,
};

/// A page by cursor: `limit`, and `after` or `before`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) limit: usize,
    pub(crate) after: Option<Cursor>,
    pub(crate) before: Option<Cursor>,
}

#[derive(Deserialize)]
struct Asked {
    limit: Option<String>,
    after: Option<Cursor>,
    before: Option<Cursor>,
}

impl Window {
    /// Whether it begins with the newest item.
    pub(crate) fn is_first(&self) -> bool {
        self.after.is_none() && self.before.is_none()
    }

    pub(crate) fn page(&self, items: &StreamItems) -> CursorPageRequest {
        let page = items.cursor_page(self.limit);
        match (self.after, self.before) {
            (Some(place), _) => page.after(place),
            (None, Some(place)) => page.before(place),
            (None, None) => page,
        }
    }

    fn new(asked: Asked, options: &Options) -> Result<Self> {
        let limit = match asked.limit.as_deref().map(str::parse::<usize>) {
            None => options.page_size,
            Some(Ok(limit)) if limit > 0 => limit.min(options.max_limit),
            Some(_) => {
                return Err(Problem::bad_request(
                    "invalid-limit",
                    format!("limit must be a number from 1 to {}", options.max_limit),
                ));
            }
        };
        if asked.after.is_some() && asked.before.is_some() {
            let detail = "a page is after a cursor or before one: leave out `after` or `before`";
            return Err(Problem::bad_request("invalid-parameter", detail));
        }
        Ok(Self { limit, after: asked.after, before: asked.before })
    }
}

impl FromRequestParts<Shared> for Window {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, site: &Shared) -> Result<Self> {
        Self::new(parameters(&parts.uri)?, &site.options)
    }
}

/// The item that a path names.
pub(crate) struct Place(pub(crate) Cursor);

impl FromRequestParts<Shared> for Place {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, site: &Shared) -> Result<Self> {
        // The application's own path may have parameters too.
        let parameters = RawPathParams::from_request_parts(parts, site).await;
        let cursor = parameters.as_ref().ok().and_then(|parameters| {
            let found = parameters.iter().filter(|(name, _)| *name == CURSOR);
            found.last().map(|(_, cursor)| cursor)
        });
        Ok(Self(cursor.unwrap_or_default().parse()?))
    }
}

/// The parameter's name, which no application is likely to have in its own path.
const CURSOR: &str = "stream_cursor";

#[cfg(test)]
mod tests {
    use super::*;

    fn window(limit: Option<&str>) -> Result<Window> {
        let asked = Asked { limit: limit.map(str::to_owned), after: None, before: None };
        Window::new(asked, &Options::new())
    }

    #[test]
    fn a_limit_is_bounded() {
        for (limit, expected) in
            [(None, 20), (Some("1"), 1), (Some("100"), 100), (Some("1000"), 100)]
        {
            assert_eq!(window(limit).unwrap().limit, expected);
        }
        for bad in ["0", "-1", "", "x", "1.5"] {
            assert!(window(Some(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_page_is_not_after_and_before() {
        let place = Cursor::new(chrono::Utc::now(), user_streams_core::ItemId::generate());
        let asked = Asked { limit: None, after: Some(place), before: Some(place) };
        assert!(Window::new(asked, &Options::new()).is_err());
    }
}
