//! Answers that were read a moment ago, so that a 304 needs no read.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    time::{Duration, Instant},
};

use axum::{
    http::{HeaderMap, HeaderValue, Method, header, request::Parts},
    response::Response,
};
use moka::sync::Cache;
use user_streams_core::UserId;

use super::conditional::{is_known, listed, not_modified};

/// So many answers are kept at the most, and of so many users it is known when something changed.
const MOST: u64 = 100_000;

/// A longer time is as good as this one.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// The tags of answers, each for a moment after it was read.
pub(crate) struct Fresh {
    time: Duration,
    answers: Cache<Asked, Answer>,
    /// When something of a user last changed, as far as this process knows.
    changes: Cache<UserId, Instant>,
}

/// What was asked for, and by whom.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Asked {
    user: UserId,
    request: u64,
}

#[derive(Clone)]
struct Answer {
    read: Instant,
    tag: HeaderValue,
}

/// A request whose answer may be kept.
#[derive(Debug)]
pub(crate) struct Keep {
    asked: Asked,
    began: Instant,
}

impl Fresh {
    /// `None` if nothing is to be kept.
    pub(crate) fn new(time: Duration) -> Option<Self> {
        // The cache takes no more than a thousand years.
        let time = time.min(LONGEST);
        (!time.is_zero()).then(|| Self {
            time,
            answers: kept(time),
            // Longer than a read that began before a change can be kept.
            changes: kept(time * 2),
        })
    }

    /// A request of this user, unless it is one that changes something. `more` is on what the
    /// answer depends beside the URL.
    pub(crate) fn keep(parts: &Parts, user: &UserId, more: impl Hash) -> Option<Keep> {
        let reads = matches!(parts.method, Method::GET | Method::HEAD);
        reads.then(|| {
            let mut hasher = DefaultHasher::new();
            (&parts.uri, more).hash(&mut hasher);
            let asked = Asked { user: user.clone(), request: hasher.finish() };
            Keep { asked, began: Instant::now() }
        })
    }

    /// 304, if what the client has is as it was read a moment ago.
    pub(crate) fn answer(&self, keep: &Keep, headers: &HeaderMap) -> Option<Response> {
        let Answer { read, tag } = self.answers.get(&keep.asked)?;
        let is_fresh =
            read.elapsed() < self.time && !self.has_changed_since(&keep.asked.user, read);
        let is_wanted = !is_reload(headers) && is_known(headers, tag.to_str().ok()?);
        (is_fresh && is_wanted).then(|| {
            let mut response = not_modified();
            response.headers_mut().insert(header::ETAG, tag);
            response
        })
    }

    /// Keeps the tag of an answer.
    pub(crate) fn put(&self, keep: Keep, response: &Response) {
        let Keep { asked, began } = keep;
        if let Some(tag) = response.headers().get(header::ETAG)
            && !self.has_changed_since(&asked.user, began)
        {
            self.answers.insert(asked, Answer { read: began, tag: tag.clone() });
        }
    }

    /// Something of this user has changed.
    pub(crate) fn forget(&self, user: &UserId) {
        self.changes.insert(user.clone(), Instant::now());
    }

    fn has_changed_since(&self, user: &UserId, read: Instant) -> bool {
        self.changes.get(user).is_some_and(|changed| changed >= read)
    }
}

fn kept<K, V>(time: Duration) -> Cache<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    Cache::builder().max_capacity(MOST).time_to_live(time).build()
}

/// Whether the client wants to know what is true now.
fn is_reload(headers: &HeaderMap) -> bool {
    let mut asked = listed(headers, header::CACHE_CONTROL);
    asked.any(|asked| matches!(asked, "no-cache" | "no-store" | "max-age=0"))
}

#[cfg(test)]
mod tests {
    use axum::{http::Request, response::IntoResponse};

    use super::*;

    const TIME: Duration = Duration::from_secs(60);

    fn keep(user: i64, uri: &str) -> Keep {
        let (parts, ()) = Request::get(uri).body(()).unwrap().into_parts();
        Fresh::keep(&parts, &UserId::Int(user), "").unwrap()
    }

    fn tagged(tag: &'static str) -> Response {
        [(header::ETAG, tag)].into_response()
    }

    fn headers(tag: &str, cache_control: Option<&'static str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_NONE_MATCH, HeaderValue::try_from(tag).unwrap());
        if let Some(value) = cache_control {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn who_has_the_answer_to_the_same_request_needs_no_other() {
        let fresh = Fresh::new(TIME).unwrap();
        let has = |keep: Keep, tag| fresh.answer(&keep, &headers(tag, None)).is_some();
        assert!(!has(keep(1, "/items"), "\"a\""));
        fresh.put(keep(1, "/items"), &tagged("\"a\""));
        assert!(has(keep(1, "/items"), "\"a\""));
        assert!(!has(keep(1, "/items"), "\"b\""));
        assert!(!has(keep(2, "/items"), "\"a\""));
        assert!(!has(keep(1, "/items?limit=3"), "\"a\""));
        assert!(!has(keep(1, "/counts"), "\"a\""));
        for reload in ["no-cache", "max-age=0", "private, no-store"] {
            assert!(fresh.answer(&keep(1, "/items"), &headers("\"a\"", Some(reload))).is_none());
        }
    }

    #[test]
    fn what_was_read_before_a_change_is_not_fresh() {
        let fresh = Fresh::new(TIME).unwrap();
        let has = || fresh.answer(&keep(1, "/"), &headers("\"a\"", None)).is_some();
        let before = keep(1, "/");
        fresh.put(keep(1, "/"), &tagged("\"a\""));
        fresh.forget(&UserId::Int(1));
        assert!(!has());
        fresh.put(before, &tagged("\"a\""));
        assert!(!has(), "it was read before");
        fresh.put(keep(1, "/"), &tagged("\"a\""));
        assert!(has());
        fresh.forget(&UserId::Int(2));
        assert!(has());
    }

    #[test]
    fn a_moment_is_counted_from_before_the_read() {
        let fresh = Fresh::new(Duration::from_millis(50)).unwrap();
        let slow = keep(1, "/");
        std::thread::sleep(Duration::from_millis(60));
        fresh.put(slow, &tagged("\"a\""));
        assert!(fresh.answer(&keep(1, "/"), &headers("\"a\"", None)).is_none());
        assert!(Fresh::new(Duration::ZERO).is_none());
        assert!(Fresh::new(Duration::MAX).is_some());
    }
}
