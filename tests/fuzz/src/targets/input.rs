//! Values made of bytes.

use arbitrary::{Result, Unstructured};
use chrono::DateTime;
use user_streams_core::{ItemId, NewItem, UserId, UserIdKind, time};
use uuid::Uuid;

/// Bytes to begin with, for targets that make values of them.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let ascending = (0..=255).collect();
    let text = b"a'b\"c\\d`e$1f\0 ann 42 \xe2\x98\x83".repeat(6);
    let mut rng = fastrand::Rng::with_seed(7);
    let random = (0..12).map(|_| (0..128).map(|_| rng.u8(..)).collect());
    random.chain([vec![0; 96], vec![1; 96], vec![255; 96], ascending, text]).collect()
}

pub(super) fn kind(u: &mut Unstructured<'_>) -> Result<UserIdKind> {
    u.choose(&[UserIdKind::BigInt, UserIdKind::Uuid, UserIdKind::Text]).copied()
}

pub(super) fn user_id(u: &mut Unstructured<'_>, kind: UserIdKind) -> Result<UserId> {
    Ok(match kind {
        UserIdKind::BigInt => UserId::Int(u.arbitrary()?),
        UserIdKind::Uuid => UserId::Uuid(Uuid::from_bytes(u.arbitrary()?)),
        _ => UserId::Text(text(u)?),
    })
}

/// Up to 40 ids.
pub(super) fn user_ids(u: &mut Unstructured<'_>, kind: UserIdKind) -> Result<Vec<UserId>> {
    let len = u.int_in_range(0..=40)?;
    (0..len).map(|_| user_id(u, kind)).collect()
}

/// A short text.
pub(super) fn text(u: &mut Unstructured<'_>) -> Result<String> {
    let len = u.int_in_range(0..=24)?;
    let bytes = u.bytes(len.min(u.len()))?;
    Ok(String::from_utf8_lossy(bytes).into_owned())
}

/// The place of an item: any that is stored.
pub(super) fn place(u: &mut Unstructured<'_>) -> Result<(i64, i64)> {
    let us = match u.int_in_range(0..=3)? {
        0 => u.int_in_range(-2_000_000..=2_000_000)?,
        1 => time::MIN_MICROS + u.int_in_range(0..=1_000)?,
        2 => time::MAX_MICROS - u.int_in_range(0..=1_000)?,
        _ => u.int_in_range(time::MIN_MICROS..=time::MAX_MICROS)?,
    };
    let id = match u.int_in_range(0..=1)? {
        0 => u.int_in_range(1..=300)?,
        _ => u.int_in_range(1..=i64::MAX)?,
    };
    Ok((us, id))
}

/// An item at any place, without a NUL in its content.
pub(super) fn item(u: &mut Unstructured<'_>) -> Result<NewItem> {
    let (us, id) = place(u)?;
    let at = DateTime::from_timestamp_micros(us).ok_or(arbitrary::Error::IncorrectFormat)?;
    let id = ItemId::try_from(id).map_err(|_| arbitrary::Error::IncorrectFormat)?;
    let content = text(u)?.replace('\0', "");
    Ok(NewItem::new(content).with_created_at(&at).with_id(id))
}
