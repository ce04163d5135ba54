//! Content that several users share: stored once, at a key of its own, and read after the members
//! that refer to it.
//!
//! The value at such a key is a count of ten digits, how many members refer to it, and then the
//! content. It is a string, not a hash, so that one command reads all that a page needs.

use fred::{bytes::Bytes, types::Value};

/// Digits before the content: how many members refer to it.
const COUNT_LEN: usize = 10;

/// The content in a value, unless there is none.
pub(crate) fn decode(value: Value) -> Option<Bytes> {
    let mut value = value.into_bytes()?;
    (value.len() >= COUNT_LEN).then(|| value.split_off(COUNT_LEN))
}
