//! The body of a request that changes something.

use axum::{
    Form,
    body::Bytes,
    extract::{FromRequest, Request},
    http::StatusCode,
};
use serde::Deserialize;
use user_streams_core::Cursor;

use crate::{
    answer::{Problem, Result},
    request::cross_site::is_json,
    site::Shared,
};

/// What is to be changed, by a program or by a form of the page.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Change {
    /// The newest item that is marked; else it is the newest that there is.
    pub(crate) up_to: Option<Cursor>,
    /// Of a form: the numbered page to return to.
    pub(crate) form: Option<usize>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Json {
    up_to: Option<Cursor>,
}

#[derive(Deserialize)]
struct Fields {
    up_to: Option<String>,
    page: Option<String>,
}

impl FromRequest<Shared> for Change {
    type Rejection = Problem;

    async fn from_request(request: Request, site: &Shared) -> Result<Self> {
        let invalid =
            |detail: String| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-body", detail);
        if is_json(request.headers()) {
            let body = Bytes::from_request(request, site).await.map_err(|error| {
                Problem::new(error.status(), "invalid-body", "the body cannot be read")
            })?;
            if body.trim_ascii().is_empty() {
                return Ok(Self::default());
            }
            let json: serde_json::Result<Json> = serde_json::from_slice(&body);
            let json = json.map_err(|error| match error.classify() {
                serde_json::error::Category::Data => {
                    invalid("expected {\"up_to\": a cursor} or {}".to_owned())
                }
                _ => Problem::bad_request("invalid-body", "the body is not JSON"),
            })?;
            return Ok(Self { up_to: json.up_to, form: None });
        }
        let form = Form::<Fields>::from_request(request, site).await;
        let Form(fields) = form.map_err(|error| {
            let detail = "expected application/json or a form with `up_to` and `page`";
            Problem::new(error.status(), "invalid-body", detail)
        })?;
        let up_to = match fields.up_to.as_deref() {
            None | Some("") => None,
            Some(cursor) => Some(cursor.parse()?),
        };
        let page = fields.page.and_then(|page| page.parse().ok()).unwrap_or(1);
        Ok(Self { up_to, form: Some(page) })
    }
}
