//! What surrounds the parts: a document, and the headers of every answer in HTML.

use axum::{
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use maud::{DOCTYPE, Markup, html};

use crate::{
    answer::{Content, Problem},
    html::assets::VERSION,
    request::{Asking, Base},
    site::Site,
};

const HTML: &str = "text/html; charset=utf-8";

/// Nothing in content runs or is fetched from elsewhere, even if all else fails.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                      connect-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";

/// A whole document.
pub(super) fn document(site: &Site, base: &Base, title: &str, body: &Markup) -> Markup {
    let options = &site.options;
    let version = VERSION.as_str();
    html! {
        (DOCTYPE)
        html lang=(options.lang) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                link rel="stylesheet" href=(base.to(&format!("/assets/feed.css?v={version}")));
                link rel="icon" type="image/svg+xml"
                    href=(base.to(&format!("/assets/icon.svg?v={version}")));
                link rel="alternate" type="application/atom+xml" title=(options.title)
                    href=(base.to("/feed.atom"));
                link rel="alternate" type="application/feed+json" title=(options.title)
                    href=(base.to("/feed.json"));
                script type="module" src=(base.to(&format!("/assets/feed.js?v={version}"))) {}
            }
            body class="us-page" { (body) }
        }
    }
}

/// The answer, or 304.
pub(super) fn answer(asking: Asking, markup: Markup) -> Response {
    let content = Content { kind: HTML, body: markup.into_string(), link: None };
    with_policy(asking.answer(content))
}

/// A problem, for people.
pub(super) fn problem(asking: &Asking, problem: Problem) -> Response {
    let title = problem.status().canonical_reason().unwrap_or("Error");
    let body = html! {
        main class="us-main" {
            div class="us-empty" {
                h1 class="us-title" { (title) }
                p { (problem.detail()) }
                p { a class="us-button" href=(asking.base.root()) { "Try again" } }
            }
        }
    };
    let body = document(&asking.site, &asking.base, title, &body).into_string();
    with_policy(problem.into_response_of(HTML, body))
}

fn with_policy(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    // An application's script may fetch a fragment for its own page, and nobody else's may.
    let name = HeaderName::from_static("cross-origin-resource-policy");
    headers.insert(name, HeaderValue::from_static("same-origin"));
    response.into_response()
}
