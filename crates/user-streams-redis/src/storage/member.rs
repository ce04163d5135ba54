//! The member of a sorted set that is an item.
//!
//! A member is the item's sort key, 16 bytes, and then its content as UTF-8, or one NUL, which no
//! content contains, if the content is shared and stored at a key of its own. The sort key is the
//! timestamp in microseconds since the Unix epoch with its sign bit flipped, then the id, both as 8
//! bytes, big-endian. So sort keys compare byte by byte as items do, and Redis orders members of
//! equal score by them.
//!
//! The timestamp is in the member although it is the score as well, because a sorted set identifies
//! members by their bytes alone. An item is identified by its timestamp *and* its id; with the id
//! alone in the member, the same id and content at another time would not be a second item but
//! would be lost. And reading does not need the score.

use std::fmt;

use fred::bytes::{BufMut, Bytes, BytesMut};
use user_streams_core::{Cursor, ItemId, NewItem, StreamItem, time};

pub(crate) const SORT_KEY_LEN: usize = 16;
const SIGN: u64 = 1 << 63;
/// Stands for content that is shared.
const SHARED: u8 = 0;

/// The sort key of an item, the beginning of its member.
pub(crate) fn sort_key(cursor: Cursor) -> [u8; SORT_KEY_LEN] {
    let mut sort_key = [0; SORT_KEY_LEN];
    let (time, id) = sort_key.split_at_mut(8);
    time.copy_from_slice(&(cursor.created_at_us().cast_unsigned() ^ SIGN).to_be_bytes());
    id.copy_from_slice(&cursor.id().get().to_be_bytes());
    sort_key
}

/// Where an item is in its sorted set: its score, and how its member begins.
pub(crate) fn score_and_sort_key(cursor: Cursor) -> (Bytes, Bytes) {
    let score = cursor.created_at_us().to_string();
    (score.into(), Bytes::copy_from_slice(&sort_key(cursor)))
}

/// The member of an item.
pub(crate) fn encode(item: &NewItem) -> Bytes {
    let mut member = BytesMut::with_capacity(SORT_KEY_LEN + item.content().len());
    member.put_slice(&sort_key(item.cursor()));
    member.put_slice(item.content().as_bytes());
    member.freeze()
}

/// The member of an item whose content is shared.
pub(crate) fn encode_shared(item: &NewItem) -> Bytes {
    [&sort_key(item.cursor())[..], &[SHARED]].concat().into()
}

/// Why an item cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Damage {
    TooShort,
    /// The form that django-user-streams stores: 32 hexadecimal digits and the content.
    Original,
    Id,
    Date,
    NotUtf8,
    /// The score is not the member's timestamp.
    Score,
    /// It refers to shared content that is not there.
    NoContent,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooShort => "it is too short, so something else has written it",
            Self::Original => "it is an item of django-user-streams, which has another format",
            Self::Id => "its id is out of range",
            Self::Date => "its date is out of range",
            Self::NotUtf8 => "its content is not UTF-8",
            Self::Score => "its score is not its date",
            Self::NoContent => {
                "its shared content is missing, or something else is at its key: look for what \
                 deleted it, such as a `maxmemory-policy` that evicts"
            }
        })
    }
}

/// A parsed member.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member<'a> {
    pub(crate) created_at_us: i64,
    pub(crate) id: ItemId,
    content: &'a [u8],
}

impl<'a> Member<'a> {
    pub(crate) fn parse(member: &'a [u8]) -> Result<Self, Damage> {
        let is_original = member.len() >= 32 && member[..32].iter().all(u8::is_ascii_hexdigit);
        let (date, rest) = member.split_first_chunk().ok_or(Damage::TooShort)?;
        let (id, content) = rest.split_first_chunk().ok_or(Damage::TooShort)?;
        let created_at_us = (u64::from_be_bytes(*date) ^ SIGN).cast_signed();
        if !(time::MIN_MICROS..=time::MAX_MICROS).contains(&created_at_us) {
            return Err(if is_original { Damage::Original } else { Damage::Date });
        }
        let id = ItemId::try_from(i64::from_be_bytes(*id)).map_err(|_| Damage::Id)?;
        Ok(Self { created_at_us, id, content })
    }

    /// The place of its item.
    pub(crate) fn cursor(&self) -> Result<Cursor, Damage> {
        let created_at = time::from_micros(self.created_at_us).map_err(|_| Damage::Date)?;
        Ok(Cursor::new(created_at, self.id))
    }

    /// Checks its score, as the server writes it.
    pub(crate) fn check_score(&self, score: &[u8]) -> Result<(), Damage> {
        let score = std::str::from_utf8(score).ok().and_then(|score| score.parse::<f64>().ok());
        // A date is exact as a double.
        if score == Some(self.created_at_us as f64) { Ok(()) } else { Err(Damage::Score) }
    }

    /// Whether its content is at a key of its own.
    pub(crate) fn is_shared(&self) -> bool {
        self.content == [SHARED]
    }

    /// The item.
    pub(crate) fn item(&self) -> Result<StreamItem, Damage> {
        self.item_with(self.content)
    }

    /// The item, with its shared content.
    pub(crate) fn item_with(&self, content: &[u8]) -> Result<StreamItem, Damage> {
        let content = std::str::from_utf8(content).map_err(|_| Damage::NotUtf8)?;
        let created_at = time::from_micros(self.created_at_us).map_err(|_| Damage::Date)?;
        Ok(StreamItem::new(self.id, created_at, content))
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn item(us: i64, id: i64, content: &str) -> NewItem {
        NewItem::new(content)
            .with_created_at(&DateTime::from_timestamp_micros(us).unwrap())
            .with_id(ItemId::try_from(id).unwrap())
    }

    fn decode(member: &[u8]) -> Result<StreamItem, Damage> {
        Member::parse(member)?.item()
    }

    #[test]
    fn members_round_trip() {
        for us in [time::MIN_MICROS, -1, 0, 1_732_262_400_123_456, time::MAX_MICROS] {
            for (id, content) in [(1, ""), (i64::MAX, "☃ snow\n")] {
                let new = item(us, id, content);
                let read = decode(&encode(&new)).unwrap();
                assert_eq!((read.cursor(), read.content.as_str()), (new.cursor(), content));

                let shared = encode_shared(&new);
                let member = Member::parse(&shared).unwrap();
                assert_eq!((member.created_at_us, member.id.get()), (us, id));
                assert_eq!(member.item_with(content.as_bytes()).unwrap(), read);
            }
        }
    }

    #[test]
    fn the_bytes_are_as_documented() {
        assert_eq!(
            encode(&item(1, 2, "a")),
            [128, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, b'a'].as_slice()
        );
    }

    #[test]
    fn the_three_forms_are_distinct() {
        let (empty, new) = (item(1, 2, ""), item(1, 2, "a"));
        let forms = [encode(&empty), encode(&new), encode_shared(&empty), encode_shared(&new)];
        let shared = forms.each_ref().map(|form| Member::parse(form).unwrap().is_shared());
        assert_eq!(shared, [false, false, true, true]);
        assert_eq!(forms.each_ref().map(Bytes::len), [16, 17, 17, 17]);
        assert_eq!(forms[3][SORT_KEY_LEN..], [0]);
    }

    #[test]
    fn sort_keys_are_ordered_as_cursors() {
        let mut cursors = Vec::new();
        for us in [time::MIN_MICROS, -256, -1, 0, 1, 255, 256, time::MAX_MICROS] {
            for id in [1, 255, 256, i64::MAX] {
                cursors.push(item(us, id, "").cursor());
            }
        }
        assert!(cursors.is_sorted());
        assert!(cursors.iter().map(|cursor| sort_key(*cursor)).is_sorted());
    }

    #[test]
    fn a_foreign_or_damaged_member_is_told_apart() {
        let mut not_utf8 = encode(&item(1, 1, "a")).to_vec();
        not_utf8.push(0xFF);
        let mut no_id = vec![128; 1];
        no_id.extend([0; 15]);
        let mut no_date = vec![0; 16];
        no_date[15] = 1;
        let original = format!("{}Hello", "0f".repeat(16));
        for (member, damage) in [
            (&b""[..], Damage::TooShort),
            (b"15 bytes of tex", Damage::TooShort),
            (b"16 bytes of text", Damage::Date),
            (&not_utf8, Damage::NotUtf8),
            (&no_id, Damage::Id),
            (&no_date, Damage::Date),
            (original.as_bytes(), Damage::Original),
        ] {
            assert_eq!(decode(member).unwrap_err(), damage, "{member:?}");
        }
        let member = encode(&item(1_700_000_000_000_000, 1, "a"));
        let member = Member::parse(&member).unwrap();
        for score in ["1700000000000000", "1.7e+15", "1.7e15"] {
            assert_eq!(member.check_score(score.as_bytes()), Ok(()), "{score}");
        }
        for score in ["1700000000000001", "-1.7e15", "inf", "nan", ""] {
            assert_eq!(member.check_score(score.as_bytes()), Err(Damage::Score), "{score}");
        }
    }
}
