//! Errors, as RFC 9457 has them.

use std::borrow::Cow;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use user_streams_core::{Error, ErrorKind};

/// The answer to a request, or a problem.
pub(crate) type Result<T, E = Problem> = std::result::Result<T, E>;

/// How long to wait before trying again, in seconds, where nothing better is known.
const RETRY_AFTER: u32 = 2;

/// An error as a client sees it. What a client has not caused is told in words that are the same
/// for all of them: what happened goes into the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    status: StatusCode,
    /// For programs: what `status` does not tell apart.
    code: &'static str,
    detail: Cow<'static, str>,
    retry_after: Option<u32>,
}

impl Problem {
    pub(crate) fn new(
        status: StatusCode,
        code: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { status, code, detail: detail.into(), retry_after: None }
    }

    pub(crate) fn bad_request(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    pub(crate) fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// As RFC 9457 has it.
    pub(crate) fn to_json(&self) -> String {
        let body = Body {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            code: self.code,
            detail: &self.detail,
        };
        // Strings and a number: it cannot fail.
        serde_json::to_string(&body).unwrap_or_default()
    }

    /// With another body.
    pub(crate) fn into_response_of(self, content_type: &'static str, body: String) -> Response {
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    code: &'static str,
    detail: &'a str,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = self.to_json();
        self.into_response_of("application/problem+json", body)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let told = |status, code| Self::new(status, code, error.message().to_owned());
        match error.kind() {
            ErrorKind::InvalidCursor => told(StatusCode::BAD_REQUEST, "invalid-cursor"),
            ErrorKind::InvalidDate | ErrorKind::InvalidItemId | ErrorKind::InvalidArgument => {
                told(StatusCode::BAD_REQUEST, "invalid-argument")
            }
            ErrorKind::PageNotAnInteger => told(StatusCode::BAD_REQUEST, "invalid-page"),
            ErrorKind::EmptyPage => told(StatusCode::NOT_FOUND, "no-such-page"),
            ErrorKind::Unsupported => Self::new(
                StatusCode::NOT_IMPLEMENTED,
                "unsupported",
                "this application does not have this operation",
            ),
            _ if error.is_retryable() => {
                tracing::warn!(%error, "answered with 503");
                let detail = "the storage cannot answer at the moment: try again";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
                    .retry_after(RETRY_AFTER)
            }
            _ => {
                tracing::error!(%error, "answered with 500");
                let detail = "the application's log tells what has happened";
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_retry_can_mend_is_503_and_says_when() {
        for kind in
            [ErrorKind::Connection, ErrorKind::Timeout, ErrorKind::Overloaded, ErrorKind::Conflict]
        {
            let response = Problem::from(Error::new(kind, "x")).into_response();
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert!(response.headers().contains_key(header::RETRY_AFTER));
        }
    }

    #[test]
    fn what_the_client_has_not_caused_is_not_told_to_it() {
        for kind in [
            ErrorKind::Backend,
            ErrorKind::NotMigrated,
            ErrorKind::Corrupt,
            ErrorKind::Connection,
            ErrorKind::InvalidUserId,
            ErrorKind::Unsupported,
        ] {
            let problem = Problem::from(Error::new(kind, "postgres://u:s3cr3t@db/x"));
            assert!(!problem.to_json().contains("s3cr3t"), "{kind:?}");
            assert!(problem.status().is_server_error(), "{kind:?}");
        }
    }

    #[test]
    fn what_the_client_has_sent_wrongly_is_told() {
        let error = "x".parse::<user_streams_core::Cursor>().unwrap_err();
        let problem = Problem::from(error);
        assert_eq!(problem.status(), StatusCode::BAD_REQUEST);
        assert!(problem.to_json().contains("is not a cursor"), "{problem:?}");
    }
}
