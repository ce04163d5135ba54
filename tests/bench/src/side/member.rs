//! The member of a sorted set, as our Redis backend stores it.

use anyhow::{Context, Result};

use super::Item;

/// The timestamp with its sign bit flipped and the id, big-endian, then the content.
pub(crate) fn encode(created_at_us: i64, id: i64, content: &str) -> Vec<u8> {
    let mut member = Vec::with_capacity(16 + content.len());
    member.extend((created_at_us.cast_unsigned() ^ 1 << 63).to_be_bytes());
    member.extend(id.to_be_bytes());
    member.extend(content.as_bytes());
    member
}

pub(super) fn decode(member: &[u8]) -> Result<Item> {
    let (time, rest) = member.split_first_chunk().context("the time")?;
    let (id, content) = rest.split_first_chunk().context("the id")?;
    Ok(Item {
        id: i64::from_be_bytes(*id),
        created_at_us: (u64::from_be_bytes(*time) ^ 1 << 63).cast_signed(),
        content: str::from_utf8(content)?.to_owned(),
    })
}
