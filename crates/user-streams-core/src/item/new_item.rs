//! Items on their way into streams.

use chrono::{DateTime, TimeZone, Utc};
use serde::{Deserialize, Deserializer, Serialize};

use crate::{Cursor, Error, ErrorKind, ItemId, Result, time};

/// The default of `max_content_len`: 1 MiB.
pub const DEFAULT_MAX_CONTENT_LEN: usize = 1024 * 1024;

/// An item on its way into streams.
///
/// An item is identified by `(created_at, id)`, and delivering it twice to the same user has no
/// effect. So a failed or interrupted add is retried with the same `NewItem`; the guide shows how,
/// with pauses between the attempts.
///
/// ```
/// # use user_streams_core::{MemoryBackend, NewItem, Streams};
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # let streams = Streams::from_backend(MemoryBackend::default());
/// let item = NewItem::new("You have a new message!");
/// let first = streams.add_stream_item(42, item.clone()).await?;
/// let again = streams.add_stream_item([42, 43], item).await?;
/// assert_eq!((first.delivered, again.delivered), (1, 1)); // again to 43 alone
/// # Ok::<(), user_streams_core::Error>(()) }).unwrap();
/// ```
///
/// It can be serialized, to be added later by another process, and comes back with the same id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NewItem {
    id: ItemId,
    #[serde(deserialize_with = "truncated")]
    created_at: DateTime<Utc>,
    content: String,
}

/// A timestamp that this library has serialized is in microseconds; another may be finer.
fn truncated<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DateTime<Utc>, D::Error> {
    DateTime::deserialize(deserializer).map(|at: DateTime<Utc>| time::truncate(&at))
}

impl NewItem {
    /// An item of this content, made now. It is checked when it is added.
    pub fn new(content: impl Into<String>) -> Self {
        Self {
            id: ItemId::generate(),
            created_at: time::truncate(&Utc::now()),
            content: content.into(),
        }
    }

    /// The item of this content at a place.
    pub(crate) fn at(place: Cursor, content: impl Into<String>) -> Self {
        Self { id: place.id(), created_at: place.created_at(), content: content.into() }
    }

    /// The same item with another timestamp, cut off to microseconds.
    #[must_use]
    pub fn with_created_at<Tz: TimeZone>(mut self, created_at: &DateTime<Tz>) -> Self {
        self.created_at = time::truncate(created_at);
        self
    }

    /// The same item with another id, such as one of [`ItemId::from_event`].
    #[must_use]
    pub fn with_id(mut self, id: ItemId) -> Self {
        self.id = id;
        self
    }

    /// The id.
    pub fn id(&self) -> ItemId {
        self.id
    }

    /// The timestamp, in UTC with microseconds.
    pub fn created_at(&self) -> DateTime<Utc> {
        self.created_at
    }

    /// The timestamp as microseconds since the Unix epoch: what a backend stores.
    pub fn created_at_us(&self) -> i64 {
        time::micros(&self.created_at)
    }

    /// The content.
    pub fn content(&self) -> &str {
        &self.content
    }

    /// The content, taken out.
    pub fn into_content(self) -> String {
        self.content
    }

    /// The place that the item will have in a stream.
    pub fn cursor(&self) -> Cursor {
        Cursor::new(self.created_at, self.id)
    }

    pub(crate) fn check(&self, max_content_len: usize) -> Result<()> {
        time::check(&self.created_at)?;
        let invalid = |message| Err(Error::new(ErrorKind::InvalidContent, message));
        if self.content.len() > max_content_len {
            return invalid(format!(
                "content of {} bytes is too long: `max_content_len` is {max_content_len}",
                self.content.len()
            ));
        }
        match self.content.find('\0') {
            Some(at) => invalid(format!(
                "content has a NUL character at byte {at}, which PostgreSQL cannot store"
            )),
            None => Ok(()),
        }
    }
}

impl<T: Into<String>> From<T> for NewItem {
    fn from(content: T) -> Self {
        Self::new(content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_limited_in_bytes_and_has_no_nul() {
        assert!(NewItem::new("☃").check(3).is_ok());
        assert_eq!(NewItem::new("☃").check(2).unwrap_err().kind(), ErrorKind::InvalidContent);
        assert_eq!(NewItem::new("a\0b").check(9).unwrap_err().kind(), ErrorKind::InvalidContent);
    }

    #[test]
    fn a_serialized_item_comes_back_as_the_same_from_every_format() {
        let item = NewItem::new("a\"b☃").with_created_at(&Utc::now());
        let json = serde_json::to_string(&item).unwrap();
        assert_eq!(serde_json::from_str::<NewItem>(&json).unwrap(), item);
        let bytes = postcard::to_allocvec(&item).unwrap();
        assert_eq!(postcard::from_bytes::<NewItem>(&bytes).unwrap(), item);
    }

    #[test]
    fn a_timestamp_of_nanoseconds_is_cut_off_as_it_is_in_code() {
        let json = r#"{"id":"7","created_at":"2026-11-26T00:00:00.123456789Z","content":""}"#;
        let item: NewItem = serde_json::from_str(json).unwrap();
        assert_eq!(item.created_at().timestamp_subsec_nanos(), 123_456_000);
    }

    #[test]
    fn dates_out_of_range_are_refused() {
        let item = NewItem::new("").with_created_at(&DateTime::<Utc>::MAX_UTC);
        assert_eq!(item.check(9).unwrap_err().kind(), ErrorKind::InvalidDate);
    }
}
