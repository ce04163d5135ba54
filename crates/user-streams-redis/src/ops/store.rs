//! What all operations need.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use fred::{bytes::Bytes, types::Value, util::redis_keyslot};
use tokio::time::Instant;
use user_streams_core::{
    Cursor, DEFAULT_MAX_CONTENT_LEN, Error, ErrorKind, Name, OnCorrupt, Result, UserId, UserIdKind,
    backend::corrupt_item,
};

use crate::{
    client::{
        Executor,
        command::{Command, Notice, Range},
    },
    reply,
    storage::{keys::Keys, notice},
};

/// The streams of a backend.
#[derive(Debug)]
pub(crate) struct Store {
    /// Shared with the feeds.
    pub(crate) executor: Arc<Executor>,
    pub(crate) keys: Keys,
    pub(crate) user_id: UserIdKind,
    /// From how many bytes on content for several recipients is shared; never if `None`.
    pub(crate) shared_content_min_len: Option<usize>,
    pub(crate) on_corrupt: OnCorrupt,
    /// Present if what comes is told.
    pub(crate) live: Option<Live>,
    /// Of members.
    pub(crate) member_len: LenEstimate,
    /// Of shared content.
    pub(crate) content_len: LenEstimate,
}

/// How what comes into the streams is told.
#[derive(Debug, Clone)]
pub(crate) struct Live {
    /// The keys of the main streams.
    pub(crate) keys: Keys,
    /// The name of the feed; the main streams without.
    pub(crate) feed: Option<Name>,
}

/// A user's stream.
#[derive(Debug, Clone)]
pub(crate) struct Stream {
    pub(super) user: UserId,
    pub(super) key: Bytes,
}

impl Store {
    /// Whether content of this length is shared by its recipients, if there are several.
    pub(super) fn is_shared(&self, content_len: usize) -> bool {
        self.shared_content_min_len.is_some_and(|min_len| content_len >= min_len)
    }

    /// The slot of a key: those of a single server are as good as in one.
    pub(super) fn slot(&self, key: &[u8]) -> u16 {
        if self.executor.is_cluster() { redis_keyslot(key) } else { 0 }
    }

    /// What tells that items, or this one alone, have come into the streams of these users, at keys
    /// of which the first is given; `None` if nothing is told.
    pub(super) fn notice<'a>(
        &self,
        streams: &[Bytes],
        users: impl IntoIterator<Item = &'a UserId>,
        item: Option<Cursor>,
    ) -> Option<Notice> {
        let Live { keys, feed } = self.live.as_ref()?;
        let is_sharded = self.executor.is_cluster();
        let channel = match is_sharded {
            true => keys.channel_of(redis_keyslot(streams.first()?)),
            false => keys.channel(),
        };
        Some(Notice { channel, message: notice::encode(feed.as_ref(), users, item), is_sharded })
    }

    /// The prefix of the keys of shared content, if a deletion looks for that.
    pub(super) fn content_prefix(&self) -> Option<Bytes> {
        self.shared_content_min_len.map(|_| self.keys.shared_content_prefix())
    }

    pub(crate) fn stream(&self, user: UserId) -> Result<Stream> {
        Ok(Stream { key: self.keys.stream(&user)?, user })
    }

    /// The reply to a command on this stream, whose key may be of another type.
    pub(super) async fn one(
        &self,
        deadline: Instant,
        stream: &Stream,
        command: Command,
    ) -> Result<Value> {
        let reply = self.executor.one(deadline, command).await;
        reply.map_err(|error| match error.kind() {
            ErrorKind::Corrupt => stream.of_another_type(),
            _ => error,
        })
    }

    /// A range of this stream.
    pub(super) async fn range(
        &self,
        deadline: Instant,
        stream: &Stream,
        range: Range,
    ) -> Result<Vec<Bytes>> {
        let command = Command::range(stream.key.clone(), range);
        reply::byte_strings(self.one(deadline, stream, command).await?)
    }
}

impl Stream {
    /// The error for a key that is no stream.
    pub(super) fn of_another_type(&self) -> Error {
        corrupt_item(
            &self.user,
            format!("the key `{}`", String::from_utf8_lossy(&self.key)),
            "it is not a sorted set, so something else has written it",
        )
    }
}

/// How long what is read next may be: the length of the longest of late. It falls slowly, over a
/// thousand reads, and a new backend expects the longest.
#[derive(Debug)]
pub(crate) struct LenEstimate(AtomicUsize);

impl LenEstimate {
    pub(crate) fn new() -> Self {
        Self(AtomicUsize::new(DEFAULT_MAX_CONTENT_LEN))
    }

    /// How many of them have so many bytes; at least one.
    pub(super) fn how_many(&self, bytes: usize) -> usize {
        (bytes / self.0.load(Ordering::Relaxed).max(1)).max(1)
    }

    /// Notes what was read together.
    pub(super) fn observe<'a>(&self, read: impl IntoIterator<Item = &'a Bytes>) {
        let longest = read.into_iter().map(Bytes::len).max().unwrap_or(0);
        let before = self.0.load(Ordering::Relaxed);
        self.0.store(longest.max(before - before / 256), Ordering::Relaxed);
    }

    /// Notes what is written.
    pub(super) fn raise(&self, length: usize) {
        self.0.fetch_max(length, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_rises_at_once_and_falls_slowly() {
        let estimate = LenEstimate::new();
        let short = [Bytes::from_static(b"0123456789")];
        assert_eq!(estimate.how_many(1 << 20), 1);
        for _ in 0..2_000 {
            estimate.observe(&short);
        }
        assert!(estimate.how_many(1 << 20) > 500, "{estimate:?}");
        estimate.raise(1 << 20);
        assert_eq!(estimate.how_many(1 << 20), 1);
        for _ in 0..200 {
            estimate.observe(&short);
        }
        assert!(estimate.how_many(1 << 20) < 8, "{estimate:?}");
    }
}
