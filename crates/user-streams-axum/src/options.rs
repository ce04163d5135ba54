//! What an application chooses.

use std::{fmt, sync::Arc, time::Duration};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use user_streams_core::StreamItem;

use crate::shown::{Shown, as_text};

/// What an application chooses. Everything has a default.
///
/// ```
/// use std::time::Duration;
///
/// use user_streams_axum::Options;
///
/// let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
/// let options = Options::new()
///     .with_title("News")
///     .with_page_size(30)
///     .with_heartbeat(Duration::from_secs(20))
///     .with_shutdown(async move { drop(stopped.await) });
/// ```
#[derive(Clone)]
pub struct Options {
    pub(crate) title: String,
    pub(crate) lang: String,
    pub(crate) page_size: usize,
    pub(crate) max_limit: usize,
    pub(crate) count_limit: usize,
    pub(crate) base_path: Option<String>,
    pub(crate) public_url: Option<String>,
    pub(crate) trusted_origins: Vec<String>,
    pub(crate) connections_per_user: usize,
    pub(crate) heartbeat: Duration,
    pub(crate) lifetime: Duration,
    pub(crate) fresh_for: Duration,
    pub(crate) shutdown: Shared<BoxFuture<'static, ()>>,
    pub(crate) shown: Arc<dyn Fn(&StreamItem) -> Shown + Send + Sync>,
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

impl Options {
    /// The defaults.
    pub fn new() -> Self {
        Self {
            title: "Notifications".to_owned(),
            lang: "en".to_owned(),
            page_size: 20,
            max_limit: 100,
            count_limit: 100,
            base_path: None,
            public_url: None,
            trusted_origins: Vec::new(),
            connections_per_user: 8,
            heartbeat: Duration::from_secs(15),
            lifetime: Duration::from_secs(60 * 60),
            fresh_for: Duration::ZERO,
            shutdown: std::future::pending().boxed().shared(),
            shown: Arc::new(as_text),
        }
    }

    /// The title of the page and of the feeds for feed readers: "Notifications".
    #[must_use]
    pub fn with_title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// How many items a page has: 20. At least 1, and no more than the largest page.
    #[must_use]
    pub fn with_page_size(mut self, items: usize) -> Self {
        self.page_size = items.max(1);
        self.max_limit = self.max_limit.max(self.page_size);
        self
    }

    /// How many items a page may have at the most, whatever `limit` is asked for: 100.
    #[must_use]
    pub fn with_max_limit(mut self, items: usize) -> Self {
        self.max_limit = items.max(1);
        self.page_size = self.page_size.min(self.max_limit);
        self
    }

    /// Where counting what is unseen and unread stops: at 100, so that the badge ends with `99+`.
    #[must_use]
    pub fn with_count_limit(mut self, items: usize) -> Self {
        self.count_limit = items.max(1);
        self
    }

    /// The path under which browsers reach the router, such as `/app/feed`. Needed only if a proxy
    /// in front of this server changes paths: else it is known from each request.
    #[must_use]
    pub fn with_base_path(mut self, path: impl Into<String>) -> Self {
        let path = path.into();
        let path = path.trim_matches('/');
        self.base_path = Some(if path.is_empty() { String::new() } else { format!("/{path}") });
        self
    }

    /// The URL of the site, such as `https://example.com`, for the feeds for feed readers, whose
    /// links are then absolute.
    #[must_use]
    pub fn with_public_url(mut self, url: impl Into<String>) -> Self {
        self.public_url = Some(url.into().trim_end_matches('/').to_owned());
        self
    }

    /// An origin whose pages may change what is read, such as `https://app.example.com`, beside
    /// the one of the router itself. To let its scripts send cookies and read the answers is a
    /// matter of CORS, which is the application's.
    #[must_use]
    pub fn with_trusted_origin(mut self, origin: impl Into<String>) -> Self {
        self.trusted_origins.push(origin.into().trim_end_matches('/').to_ascii_lowercase());
        self
    }

    /// How many streams of events a user can have open at a time, in this process: 8. Any more are
    /// answered with 429.
    #[must_use]
    pub fn with_connections_per_user(mut self, connections: usize) -> Self {
        self.connections_per_user = connections;
        self
    }

    /// How often a stream of events without events sends a comment, so that nothing on the way
    /// takes it for dead: every 15 seconds.
    #[must_use]
    pub fn with_heartbeat(mut self, interval: Duration) -> Self {
        self.heartbeat = interval.max(Duration::from_millis(1));
        self
    }

    /// How long a stream of events lasts: an hour. The client then connects again, and the
    /// application says anew who is asking: one whose session has ended sees no more.
    #[must_use]
    pub fn with_event_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// For how long after an answer was read the same request of a client that has it is answered
    /// with 304 from memory, without a read: not at all, by default, and a day at the most.
    ///
    /// It is for pages that very many clients ask for again and again. What a 304 says may then be
    /// so old. A change that the user makes in this process, an event that was sent to the user
    /// from it, and a request with `Cache-Control: no-cache` end that at once; what else changes,
    /// in another process or by the application, does not.
    #[must_use]
    pub fn with_fresh_for(mut self, time: Duration) -> Self {
        self.fresh_for = time;
        self
    }

    /// When this future ends, so do all streams of events. A graceful shutdown of a server waits
    /// for every connection, so give it here as well.
    #[must_use]
    pub fn with_shutdown(mut self, shutdown: impl Future<Output = ()> + Send + 'static) -> Self {
        self.shutdown = shutdown.boxed().shared();
        self
    }

    /// How an item is shown: as text, by default.
    #[must_use]
    pub fn with_shown(
        mut self,
        shown: impl Fn(&StreamItem) -> Shown + Send + Sync + 'static,
    ) -> Self {
        self.shown = Arc::new(shown);
        self
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("title", &self.title)
            .field("page_size", &self.page_size)
            .field("max_limit", &self.max_limit)
            .field("count_limit", &self.count_limit)
            .field("base_path", &self.base_path)
            .field("public_url", &self.public_url)
            .field("trusted_origins", &self.trusted_origins)
            .field("connections_per_user", &self.connections_per_user)
            .field("heartbeat", &self.heartbeat)
            .field("lifetime", &self.lifetime)
            .field("fresh_for", &self.fresh_for)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_never_larger_than_the_largest_nor_empty() {
        let options = Options::new().with_page_size(500);
        assert_eq!((options.page_size, options.max_limit), (500, 500));
        let options = options.with_max_limit(10);
        assert_eq!((options.page_size, options.max_limit), (10, 10));
        assert_eq!(Options::new().with_page_size(0).page_size, 1);
    }

    #[test]
    fn a_base_path_has_one_slash_before_it_and_none_after() {
        for (given, path) in [("", ""), ("/", ""), ("feed", "/feed"), ("//a/b//", "/a/b")] {
            assert_eq!(Options::new().with_base_path(given).base_path.as_deref(), Some(path));
        }
    }
}
