//! Items as they are read.

use chrono::{DateTime, FixedOffset, Utc};
use serde::{Deserialize, Serialize, Serializer};

use crate::{Cursor, Error, ErrorKind, ItemId, Result, time};

/// An item of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StreamItem {
    /// The id, the same for every recipient.
    pub id: ItemId,
    /// When it was created, exact to the microsecond. The setting `use_utc` picks the offset that
    /// is shown, never the instant.
    #[serde(serialize_with = "exactly")]
    pub created_at: DateTime<FixedOffset>,
    /// The content, byte for byte what was added.
    pub content: String,
}

/// The text of a timestamp has no seconds in its offset.
fn exactly<S: Serializer>(at: &DateTime<FixedOffset>, serializer: S) -> Result<S::Ok, S::Error> {
    time::whole_minutes(*at).serialize(serializer)
}

impl StreamItem {
    /// An item as a backend reads it; `created_at` is in UTC here and is shown as the settings say
    /// by [`Streams`](crate::Streams).
    pub fn new(id: ItemId, created_at: DateTime<Utc>, content: impl Into<String>) -> Self {
        Self { id, created_at: created_at.fixed_offset(), content: content.into() }
    }

    /// An item from what a backend has stored.
    ///
    /// # Errors
    /// `Corrupt` if the id or the timestamp is none that this library has stored.
    pub fn from_stored(id: i64, created_at_us: i64, content: String) -> Result<Self> {
        let id = ItemId::try_from(id).map_err(|error| {
            Error::new(ErrorKind::Corrupt, "a stored item id is out of range").with_source(error)
        })?;
        Ok(Self::new(id, time::from_micros(created_at_us)?, content))
    }

    /// The place of this item in its stream.
    pub fn cursor(&self) -> Cursor {
        Cursor::new(self.created_at.to_utc(), self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_at_an_offset_of_seconds_comes_back_from_json_as_the_same_instant() {
        let mut item = StreamItem::new(ItemId::generate(), Utc::now(), "item");
        item.created_at = item.created_at.with_timezone(&FixedOffset::east_opt(-2_670).unwrap());
        let back: StreamItem =
            serde_json::from_str(&serde_json::to_string(&item).unwrap()).unwrap();
        assert_eq!((back.cursor(), back.created_at), (item.cursor(), item.created_at));
    }
}
