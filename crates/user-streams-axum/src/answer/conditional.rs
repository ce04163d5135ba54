//! `ETag`, and 304 where nothing has changed.

use std::hash::{DefaultHasher, Hash, Hasher};

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use user_streams_core::UserId;

/// A body and what it is.
pub(crate) struct Content {
    pub(crate) kind: &'static str,
    pub(crate) body: String,
    /// RFC 8288, if there is any.
    pub(crate) link: Option<HeaderValue>,
}

/// The body, or 304 if the client has it already.
///
/// The tag is a hash of the body and of who is asking, so that it changes if and only if these do:
/// an item that came, was removed, dismissed or retracted, a mark that moved. Nothing cheaper is
/// exact. The newest item's place stays when an older one is removed, and a count comes back when
/// another one is added with an older date; and counting costs more than reading a page. So 304
/// saves the answer and not the read.
pub(crate) fn conditional(request: &HeaderMap, user: &UserId, content: Content) -> Response {
    let tag = tag(user, &content);
    let mut response = match is_known(request, &tag) {
        true => not_modified(),
        false => {
            let kind = [(header::CONTENT_TYPE, content.kind)];
            to_be_asked_about((kind, content.body).into_response())
        }
    };
    let headers = response.headers_mut();
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(header::ETAG, tag);
    }
    if let Some(link) = content.link {
        headers.insert(header::LINK, link);
    }
    response
}

/// 304.
pub(crate) fn not_modified() -> Response {
    to_be_asked_about(StatusCode::NOT_MODIFIED.into_response())
}

/// Kept by the browser alone, and asked about each time.
fn to_be_asked_about(mut response: Response) -> Response {
    let value = HeaderValue::from_static("private, no-cache");
    response.headers_mut().insert(header::CACHE_CONTROL, value);
    response
}

/// Weak, since what compresses the answer may leave it as it is.
fn tag(user: &UserId, content: &Content) -> String {
    let mut hasher = DefaultHasher::new();
    user.hash(&mut hasher);
    content.body.hash(&mut hasher);
    content.link.hash(&mut hasher);
    format!("W/\"{:016x}\"", hasher.finish())
}

pub(super) fn is_known(request: &HeaderMap, tag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let wanted = opaque(tag);
    listed(request, header::IF_NONE_MATCH).any(|tag| tag == "*" || opaque(tag) == wanted)
}

/// What a header lists, whose lines are parts of one list.
pub(super) fn listed(request: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let lines = request.get_all(name).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(user: i64, body: &str, if_none_match: Option<&str>) -> Response {
        let mut request = HeaderMap::new();
        if let Some(tags) = if_none_match {
            request.insert(header::IF_NONE_MATCH, HeaderValue::try_from(tags).unwrap());
        }
        let content = Content { kind: "text/plain", body: body.to_owned(), link: None };
        conditional(&request, &UserId::Int(user), content)
    }

    #[test]
    fn the_tag_is_of_the_body_and_of_the_user() {
        let first = answer(1, "a", None);
        let tag = first.headers()[header::ETAG].to_str().unwrap().to_owned();
        assert_eq!(answer(1, "a", Some(&tag)).status(), StatusCode::NOT_MODIFIED);
        assert_eq!(answer(1, "b", Some(&tag)).status(), StatusCode::OK);
        assert_eq!(answer(2, "a", Some(&tag)).status(), StatusCode::OK);
    }

    #[test]
    fn tags_come_in_lists_strong_and_weak() {
        let first = answer(1, "a", None);
        let tag = first.headers()[header::ETAG].to_str().unwrap().to_owned();
        let strong = tag.trim_start_matches("W/");
        for tags in [strong.to_owned(), format!("\"x\", {tag}"), "*".to_owned()] {
            assert_eq!(answer(1, "a", Some(&tags)).status(), StatusCode::NOT_MODIFIED, "{tags}");
        }
        assert_eq!(answer(1, "a", Some("\"x\"")).status(), StatusCode::OK);
    }
}
