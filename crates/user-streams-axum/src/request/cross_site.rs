//! What changes something is not taken from the pages of other sites.

use axum::{
    extract::{OriginalUri, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{answer::Problem, options::Options, site::Shared};

/// Refuses a `POST` that a page of another site has made a browser send. No other method changes
/// anything.
///
/// `Sec-Fetch-Site`, which no script can set, is in every request of a browser since 2023 and has
/// to be `same-origin`; else `Origin` has to name this host. A request with neither is of a
/// program, or of a browser so old that it says nothing: it has to be JSON, which no form can send
/// and no script of another site without asking first.
pub(crate) async fn refuse_cross_site(
    State(site): State<Shared>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    match check(&parts, &site.options) {
        Ok(()) => next.run(Request::from_parts(parts, body)).await,
        Err(problem) => problem.into_response(),
    }
}

/// Adds the headers that every answer has.
pub(crate) async fn add_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let nosniff = HeaderValue::from_static("nosniff");
    headers.entry(header::X_CONTENT_TYPE_OPTIONS).or_insert(nosniff);
    // Without a referrer a form would send `Origin: null`.
    let same_origin = HeaderValue::from_static("same-origin");
    headers.entry(header::REFERRER_POLICY).or_insert(same_origin);
    response
}

fn check(parts: &Parts, options: &Options) -> Result<(), Problem> {
    if parts.method != Method::POST {
        return Ok(());
    }
    let headers = &parts.headers;
    let origin = text(headers, header::ORIGIN.as_str()).map(str::to_ascii_lowercase);
    if origin.as_ref().is_some_and(|origin| options.trusted_origins.contains(origin)) {
        return Ok(());
    }
    let allowed = match (headers.get("sec-fetch-site"), &origin) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => is_of_host(origin, parts),
        (None, None) if headers.contains_key(header::ORIGIN) => false,
        (None, None) => is_json(headers),
    };
    if allowed {
        return Ok(());
    }
    let detail = "a page of another site may not change this: a request of a browser has to come \
                  from this origin, and one of another program has to be application/json";
    Err(Problem::new(StatusCode::FORBIDDEN, "cross-site", detail))
}

/// Whether it is the host that was asked. The scheme is not compared: behind a proxy that ends TLS
/// it is not known.
fn is_of_host(origin: &str, parts: &Parts) -> bool {
    let Some((_, asked_from)) = origin.split_once("://") else { return false };
    let outer = parts.extensions.get::<OriginalUri>();
    let authority = outer.and_then(|outer| outer.authority()).or(parts.uri.authority());
    let host = match authority {
        Some(authority) => Some(authority.as_str()),
        None => text(&parts.headers, header::HOST.as_str()),
    };
    host.is_some_and(|host| host.eq_ignore_ascii_case(asked_from))
}

pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    let kind = text(headers, header::CONTENT_TYPE.as_str()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_allowed(headers: &[(&str, &str)]) -> bool {
        let mut request = axum::http::Request::post("/read").header("host", "feed.example");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let options = Options::new().with_trusted_origin("https://app.example/");
        check(&parts, &options).is_ok()
    }

    #[test]
    fn a_browser_says_where_a_request_is_from() {
        const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
        assert!(is_allowed(&[("sec-fetch-site", "same-origin"), FORM]));
        for site in ["cross-site", "same-site", "none", "", "x"] {
            assert!(!is_allowed(&[("sec-fetch-site", site), FORM]), "{site}");
            // Nor does the other header help, which a page of another site does not choose either.
            let same = ("origin", "https://feed.example");
            assert!(!is_allowed(&[("sec-fetch-site", site), same]), "{site}");
        }
    }

    #[test]
    fn an_older_browser_says_its_origin() {
        for origin in ["https://feed.example", "http://feed.example", "HTTPS://FEED.example"] {
            assert!(is_allowed(&[("origin", origin)]), "{origin}");
        }
        const JSON: (&str, &str) = ("content-type", "application/json");
        for origin in [
            "null",
            "https://evil.example",
            "https://feed.example.evil.example",
            "https://feed.example:8080",
            "feed.example",
            "",
            "\u{fc}",
        ] {
            assert!(!is_allowed(&[("origin", origin), JSON]), "{origin}");
        }
    }

    #[test]
    fn an_origin_that_the_application_trusts_is_allowed() {
        let trusted = ("origin", "https://app.example");
        assert!(is_allowed(&[trusted, ("sec-fetch-site", "cross-site")]));
        assert!(!is_allowed(&[("origin", "http://app.example")]));
    }

    #[test]
    fn a_program_sends_json() {
        assert!(is_allowed(&[("content-type", "application/json; charset=utf-8")]));
        for kind in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
            "text/plain; application/json",
            "",
        ] {
            assert!(!is_allowed(&[("content-type", kind)]), "{kind}");
        }
        assert!(!is_allowed(&[]));
    }
}
