//! Streams of one case alone, with all that can be kept beside them.

use std::sync::LazyLock;

use futures_util::TryStreamExt;
use user_streams_core::{Streams, backend::Capability, everyone};

use crate::Namespace;

/// Another one in each process.
static RUN: LazyLock<String> = LazyLock::new(|| format!("{:x}", fastrand::u16(..)));

impl Namespace {
    /// Feeds of these names, which no other case has: with audiences, dismissals, retractions, and
    /// single marks where these can be. Nobody has anything in them, nor has everyone.
    pub(crate) async fn alone<const N: usize>(&self, names: [&str; N]) -> [Streams; N] {
        let streams = self.with_everything(&names.map(|name| self.named(name)));
        if self.has(Capability::Migrate) {
            streams.migrate().await.expect("feeds can be migrated");
        }
        let feeds = self.opened(names);
        for feed in &feeds {
            self.empty(feed).await;
        }
        feeds
    }

    /// The same as they are.
    pub(crate) fn opened<const N: usize>(&self, names: [&str; N]) -> [Streams; N] {
        let names = names.map(|name| self.named(name));
        let streams = self.with_everything(&names);
        names.map(|name| streams.feed(&name).expect("the feed is declared"))
    }

    /// What such a feed is called. What an earlier run has sent to everyone stays in a store that
    /// can remove nothing, so that each run has others there.
    pub(crate) fn named(&self, feed: &str) -> String {
        match self.has(Capability::RemoveStreamItem) {
            true => feed.to_owned(),
            false => format!("{feed}{}", *RUN),
        }
    }

    fn with_everything(&self, names: &[String]) -> Streams {
        let item_marks =
            self.has(Capability::RemoveStreamItem) && self.has(Capability::DeleteRange);
        Streams::from_backend(self.backend().clone())
            .with_use_utc(true)
            .with_feeds(names)
            .and_then(|streams| streams.with_item_marks(item_marks))
            .and_then(|streams| streams.with_audiences(true))
            .and_then(|streams| streams.with_dismissals(true))
            .and_then(|streams| streams.with_retractions(true))
            .expect("a backend of feeds has these")
    }

    async fn empty(&self, feed: &Streams) {
        if self.has(Capability::RemoveStreamItem) {
            let left = feed.get_stream_items(self.user()).await.expect("a stream is read");
            for item in left {
                let removed = feed.remove_stream_item(everyone(), item.cursor()).await;
                removed.expect("an item is removed");
            }
        }
        if self.has(Capability::ListUsers) && self.has(Capability::DeleteStream) {
            let users: Vec<_> = feed.users().try_collect().await.expect("users are listed");
            for user in users {
                feed.delete_user(&user).await.expect("a user is deleted");
            }
        }
    }
}

/// The name of an audience that no other case has.
pub(crate) fn name(text: &str) -> String {
    format!("{text}:{:x}", fastrand::u64(..))
}
