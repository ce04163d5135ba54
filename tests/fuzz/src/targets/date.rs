//! Dates of items, up to the ends of chrono's range, at any offset.

use arbitrary::{Result, Unstructured};
use chrono::{DateTime, FixedOffset, Utc};
use user_streams_core::{
    Cursor, ErrorKind, ItemId, MemoryBackend, NewItem, StreamItem, Streams,
    time::{MAX_MICROS, MIN_MICROS},
};

use super::{connect::complete, input};
use crate::{outcome::Outcome, target::Target};

pub(super) fn target() -> Target {
    Target::of_bytes("date", input::seeds(), &[], |bytes| {
        check(&mut Unstructured::new(bytes)).unwrap_or_else(|_| Outcome::unreadable("no date"))
    })
}

/// An instant: near the limits, near the ends of chrono's range, or any.
fn date(u: &mut Unstructured<'_>) -> Result<DateTime<FixedOffset>> {
    let seconds = match u.int_in_range(0..=5)? {
        0 => u.int_in_range(-86_400..=86_400)?,
        1 => MIN_MICROS / 1_000_000 + u.int_in_range(-2..=2)?,
        2 => MAX_MICROS / 1_000_000 + u.int_in_range(-2..=2)?,
        3 => DateTime::<Utc>::MIN_UTC.timestamp() + u.int_in_range(0..=100_000)?,
        4 => DateTime::<Utc>::MAX_UTC.timestamp() - u.int_in_range(0..=100_000)?,
        _ => u.arbitrary()?,
    };
    let nanos = u.int_in_range(0..=1_999_999_999)?;
    let offset = FixedOffset::east_opt(u.int_in_range(-86_399..=86_399)?);
    let instant = DateTime::from_timestamp(seconds, nanos).zip(offset);
    let (instant, offset) = instant.ok_or(arbitrary::Error::IncorrectFormat)?;
    Ok(instant.with_timezone(&offset))
}

fn check(u: &mut Unstructured<'_>) -> Result<Outcome> {
    let at = date(u)?;
    let id = ItemId::try_from(u.int_in_range(1..=i64::MAX)?);
    let id = id.map_err(|_| arbitrary::Error::IncorrectFormat)?;
    let micros = i64::try_from(
        (i128::from(at.timestamp()) * 1_000_000_000 + i128::from(at.timestamp_subsec_nanos()))
            .div_euclid(1_000),
    );
    let micros = micros.map_err(|_| arbitrary::Error::IncorrectFormat)?;
    let item = NewItem::new("").with_created_at(&at).with_id(id);
    assert_eq!(item.created_at_us(), micros, "{at:?}");
    assert_eq!(Cursor::new(at, id).created_at_us(), micros.clamp(MIN_MICROS, MAX_MICROS));
    let is_in_range = (MIN_MICROS..=MAX_MICROS).contains(&micros);
    in_json(&item, at, is_in_range);

    let streams = Streams::from_backend(MemoryBackend::default());
    match complete(streams.add_stream_item(7, item.clone()).into_future()) {
        Ok(delivery) => {
            assert!(is_in_range, "{at:?}");
            assert_eq!((delivery.item, delivery.delivered), (item.cursor(), 1));
            let items = complete(streams.get_stream_items(7).into_future()).unwrap_or_default();
            assert_eq!(items.first().map(StreamItem::cursor), Some(item.cursor()), "{at:?}");
            Ok(Outcome::accepted(micros.signum()))
        }
        Err(error) => {
            assert!(!is_in_range, "{at:?}: {error}");
            assert_eq!(error.kind(), ErrorKind::InvalidDate);
            Ok(Outcome::refused(&error, || false))
        }
    }
}

/// What is stored comes back from JSON as the same instant, at whatever offset it is shown. Beyond
/// the range, which no backend stores, it is enough that nothing panics.
fn in_json(item: &NewItem, at: DateTime<FixedOffset>, is_in_range: bool) {
    let mut shown = StreamItem::new(item.id(), item.created_at(), "");
    shown.created_at = item.created_at().with_timezone(at.offset());
    let new = serde_json::to_string(item);
    let read = serde_json::to_string(&shown);
    if is_in_range {
        let new = new.and_then(|json| serde_json::from_str::<NewItem>(&json));
        assert_eq!(new.ok().as_ref(), Some(item), "{at:?}");
        let read = read.and_then(|json| serde_json::from_str::<StreamItem>(&json));
        assert_eq!(read.ok().map(|read| read.created_at), Some(shown.created_at), "{at:?}");
    }
}
