//! Who asks, for which stream.

use axum::{
    extract::{FromRequestParts, Query},
    http::{HeaderMap, Uri, request::Parts},
    response::Response,
};
use serde::de::DeserializeOwned;
use user_streams_core::StreamItems;

use crate::{
    answer::{Problem, Result},
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
}

impl FromRequestParts<Shared> for Asking {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, site: &Shared) -> Result<Self, Response> {
        let viewer = (site.who)(parts.clone()).await?;
        Ok(Self {
            items: viewer.items(&site.streams),
            base: Base::of(parts, &site.options),
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
