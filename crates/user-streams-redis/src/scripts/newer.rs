//! Counts what is newer than a place.

use fred::bytes::Bytes;
use user_streams_core::{Cursor, Name};

use super::page::MAX_LIMIT;
use crate::{
    client::command::{Command, Script, integer},
    storage::member,
};

static NEWER: Script = Script::new(concat!(
    include_str!("place.lua"),
    include_str!("date.lua"),
    include_str!("newer.lua")
));

/// Counts up to `limit` members that are newer than the cursor.
pub(crate) fn newer_than(stream: Bytes, cursor: Cursor, limit: u64) -> Command {
    let (score, sort_key) = member::score_and_sort_key(cursor);
    NEWER.run(vec![stream], [integer(limit.min(MAX_LIMIT)), score.into(), sort_key.into()])
}

/// Counts up to `limit` members that are newer than where the mark of this name is. The reply is
/// null if its value is damaged.
pub(crate) fn newer_than_mark(stream: Bytes, marks: Bytes, name: &Name, limit: u64) -> Command {
    NEWER.run(vec![stream, marks], [integer(limit.min(MAX_LIMIT)), name.as_str().into()])
}
