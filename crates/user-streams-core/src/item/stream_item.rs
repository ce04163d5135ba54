//! Items as they are read.

use chrono::{DateTime, FixedOffset, Utc};
use serde::{Deserialize, Serialize};

use crate::{Cursor, Error, ErrorKind, ItemId, Result, time};

/// An item of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StreamItem {
    /// The id, the same for every recipient.
    pub id: ItemId,
    /// When it was created, exact to the microsecond. The setting `use_utc` picks the offset that
    /// is shown, never the instant.
    pub created_at: DateTime<FixedOffset>,
    /// The content, byte for byte what was added.
    pub content: String,
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
