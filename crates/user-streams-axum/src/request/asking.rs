//! Who asks, for which stream.

use axum::{
    extract::{FromRequestParts, Query},
    http::{HeaderMap, Uri, request::Parts},
    response::Response,
};
use serde::de::DeserializeOwned;
use user_streams_core::StreamItems;

use crate::{
    answer::{Content, Fresh, Keep, Problem, Result, conditional},
    request::base::Base,
    site::Shared,
};

/// A request of a user that the application knows.
pub(crate) struct Asking {
    pub(crate) site: Shared,
    /// The stream of that user.
    pub(crate) items: StreamItems,
    pub(crate) base: Base,
    pub(crate) headers: HeaderMap,
    /// If the answer may be fresh for a while.
    keep: Option<Keep>,
}

impl Asking {
    /// The answer, or 304 if the client has it already.
    pub(crate) fn answer(self, content: Content) -> Response {
        let response = conditional(&self.headers, self.items.user(), content);
        if let (Some(fresh), Some(keep)) = (&self.site.fresh, self.keep) {
            fresh.put(keep, &response);
        }
        response
    }
}

impl FromRequestParts<Shared> for Asking {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, site: &Shared) -> Result<Self, Response> {
        let viewer = (site.who)(parts.clone()).await?;
        let base = Base::of(parts, &site.options);
        let fresh = site.fresh.as_ref();
        let keep = fresh.and_then(|_| Fresh::keep(parts, viewer.user(), (&viewer, &base)));
        if let (Some(fresh), Some(keep)) = (fresh, &keep)
            && let Some(answer) = fresh.answer(keep, &parts.headers)
        {
            return Err(answer);
        }
        Ok(Self {
            items: viewer.items(&site.streams),
            base,
            keep,
            headers: parts.headers.clone(),
            site: site.clone(),
        })
    }
}

/// The parameters of a URL.
pub(crate) fn parameters<T: DeserializeOwned>(uri: &Uri) -> Result<T> {
    let parameters = Query::<T>::try_from_uri(uri);
    parameters
        .map(|Query(parameters)| parameters)
        .map_err(|error| Problem::bad_request("invalid-parameter", shortened(&error.body_text())))
}

/// No answer repeats a long input.
fn shortened(text: &str) -> String {
    text.chars().take(200).collect()
}
