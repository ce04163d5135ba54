//! Reads a page beside a cursor, however many items have the cursor's timestamp.

use fred::bytes::Bytes;
use user_streams_core::Cursor;

use crate::{
    client::command::{Command, Script, integer},
    storage::member,
};

static PAGE: Script = Script::new(include_str!("page.lua"));

/// The most items of a page: more than a sorted set can have, and exact as a Lua number.
const MAX_LIMIT: u64 = 1 << 40;

/// A side of a cursor, in the order of a stream, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    After,
    Before,
}

/// Reads up to `limit` members on one side of a cursor, newest first.
pub(crate) fn page(stream: Bytes, cursor: Cursor, side: Side, limit: u64) -> Command {
    let score = cursor.created_at_us().to_string();
    let sort_key = Bytes::copy_from_slice(&member::sort_key(cursor));
    let side = match side {
        Side::After => "after",
        Side::Before => "before",
    };
    let limit = integer(limit.min(MAX_LIMIT));
    PAGE.run(vec![stream], [score.into(), sort_key.into(), limit, side.into()])
}
