//! The members of sorted sets, as the Redis backend is documented to store them: the timestamp with
//! its sign bit flipped and the id, big-endian, then the content.

use anyhow::{Context, Result};

/// The timestamp in microseconds, the id and the content of a member.
pub type Parts = (i64, i64, String);

/// The member of an item.
pub fn encode(created_at_us: i64, id: i64, content: &str) -> Vec<u8> {
    let mut member = Vec::with_capacity(16 + content.len());
    member.extend((created_at_us.cast_unsigned() ^ 1 << 63).to_be_bytes());
    member.extend(id.to_be_bytes());
    member.extend(content.as_bytes());
    member
}

/// The item of a member.
pub fn decode(member: &[u8]) -> Result<Parts> {
    let (time, rest) = member.split_first_chunk().context("a member without a timestamp")?;
    let (id, content) = rest.split_first_chunk().context("a member without an id")?;
    let created_at_us = (u64::from_be_bytes(*time) ^ 1 << 63).cast_signed();
    Ok((created_at_us, i64::from_be_bytes(*id), str::from_utf8(content)?.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_decodes_to_what_was_encoded() -> Result<()> {
        assert_eq!(decode(&encode(-5, 7, "content"))?, (-5, 7, "content".to_owned()));
        Ok(())
    }
}
