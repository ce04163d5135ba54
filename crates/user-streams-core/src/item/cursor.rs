//! Places in a stream.

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeZone, Utc};
use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind, ItemId, Result, error::excerpt, time};

const VERSION: u8 = 1;

/// The place of an item in a stream: its `(created_at, id)`. Ordered as time is, so the newest is
/// the greatest.
///
/// Its text is opaque, of 23 characters that are safe in a URL; in JSON it is that string.
///
/// ```
/// # use user_streams_core::{Cursor, ItemId};
/// # use chrono::Utc;
/// let cursor = Cursor::new(Utc::now(), ItemId::generate());
/// assert_eq!(cursor.to_string().parse::<Cursor>()?, cursor);
/// assert!("not-a-cursor".parse::<Cursor>().is_err());
/// # Ok::<(), user_streams_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Cursor {
    created_at_us: i64,
    id: ItemId,
}

impl Cursor {
    /// The oldest place that there can be.
    pub(crate) const FIRST: Self = Self { created_at_us: time::MIN_MICROS, id: ItemId::MIN };

    /// The newest place that there can be.
    pub(crate) const LAST: Self = Self { created_at_us: time::MAX_MICROS, id: ItemId::MAX };

    /// The place of the item with this timestamp, cut off to microseconds, and this id. A timestamp
    /// out of range becomes the nearest one within it, which has the same items on either side.
    pub fn new<Tz: TimeZone>(created_at: DateTime<Tz>, id: ItemId) -> Self {
        let created_at_us = time::micros(&created_at).clamp(time::MIN_MICROS, time::MAX_MICROS);
        Self { created_at_us, id }
    }

    /// The timestamp, in UTC.
    pub fn created_at(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.created_at_us).unwrap_or_default()
    }

    /// The timestamp as microseconds since the Unix epoch.
    pub fn created_at_us(&self) -> i64 {
        self.created_at_us
    }

    /// The item's id.
    pub fn id(&self) -> ItemId {
        self.id
    }

    /// The first place of an instant: what is older was created before it.
    pub(crate) fn first_of(created_at_us: i64) -> Self {
        let created_at_us = created_at_us.clamp(time::MIN_MICROS, time::MAX_MICROS);
        Self { created_at_us, id: ItemId::MIN }
    }

    /// The last place before an instant, or the first of all where there is none: what is newer was
    /// created at the instant or later.
    pub(crate) fn before_instant(created_at_us: i64) -> Self {
        Self::first_of(created_at_us).previous().unwrap_or(Self::FIRST)
    }

    /// The last place of this one's instant.
    pub(crate) fn last_of_instant(self) -> Self {
        Self { id: ItemId::MAX, ..self }
    }

    /// The place right before this one, toward the past: what is newer than that is here or newer.
    /// `None` where there is none, as everything is.
    pub(crate) fn previous(self) -> Option<Self> {
        match self.id.previous() {
            Some(id) => Some(Self { id, ..self }),
            None if self.created_at_us == time::MIN_MICROS => None,
            None => Some(Self { created_at_us: self.created_at_us - 1, id: ItemId::MAX }),
        }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = [VERSION; 17];
        bytes[1..9].copy_from_slice(&self.created_at_us.to_be_bytes());
        bytes[9..].copy_from_slice(&self.id.get().to_be_bytes());
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl FromStr for Cursor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let invalid = |why: &str| {
            let message = format!("{:?} is not a cursor: {why}", excerpt(text));
            Error::new(ErrorKind::InvalidCursor, message)
        };
        let bytes = URL_SAFE_NO_PAD
            .decode(text)
            .map_err(|error| invalid("not URL-safe base64").with_source(error))?;
        match bytes.as_slice() {
            [VERSION, rest @ ..] => {
                let (us, id) = rest.split_first_chunk().ok_or_else(|| invalid("too short"))?;
                let id = id.try_into().map_err(|_| invalid("of the wrong length"))?;
                Ok(Self {
                    created_at_us: time::in_range(i64::from_be_bytes(*us))
                        .ok_or_else(|| invalid("date out of range"))?,
                    id: ItemId::try_from(i64::from_be_bytes(id))
                        .map_err(|_| invalid("item id out of range"))?,
                })
            }
            [] => Err(invalid("it is empty")),
            _ => Err(invalid("of another version")),
        }
    }
}

impl From<Cursor> for String {
    fn from(cursor: Cursor) -> Self {
        cursor.to_string()
    }
}

impl TryFrom<String> for Cursor {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor(us: i64, id: i64) -> Cursor {
        Cursor { created_at_us: us, id: ItemId::try_from(id).unwrap() }
    }

    #[test]
    fn text_round_trips_and_is_url_safe() {
        for cursor in [
            cursor(0, 1),
            cursor(-1, i64::MAX),
            cursor(time::MIN_MICROS, 7),
            cursor(time::MAX_MICROS, 7),
        ] {
            let text = cursor.to_string();
            assert_eq!(text.len(), 23);
            assert!(
                text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'),
                "{text}"
            );
            assert_eq!(text.parse::<Cursor>().unwrap(), cursor);
        }
    }

    #[test]
    fn malformed_text_is_a_clear_error() {
        let good = cursor(1, 1).to_string();
        let too_early = cursor(time::MIN_MICROS - 1, 1).to_string();
        let no_id =
            Cursor { created_at_us: 1, id: ItemId::generate() }.to_string()[..12].to_owned();
        let other_version = format!("Ag{}", &good[2..]);
        for bad in
            ["", "?", "page2", &good[..22], &format!("{good}A"), &too_early, &no_id, &other_version]
        {
            let error = bad.parse::<Cursor>().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidCursor, "{bad}");
            assert!(error.to_string().contains("is not a cursor"), "{error}");
        }
    }

    #[test]
    fn between_a_place_and_the_previous_one_nothing_fits() {
        assert_eq!(cursor(5, 7).previous(), Some(cursor(5, 6)));
        assert_eq!(cursor(5, 1).previous(), Some(cursor(4, i64::MAX)));
        assert_eq!(cursor(time::MIN_MICROS, 1).previous(), None);
        assert_eq!(Cursor::first_of(5).previous(), Some(cursor(4, i64::MAX)));
    }

    #[test]
    fn a_cursor_of_a_far_off_date_is_clamped() {
        assert_eq!(
            Cursor::new(DateTime::<Utc>::MAX_UTC, ItemId::generate()).created_at_us(),
            time::MAX_MICROS
        );
    }
}
