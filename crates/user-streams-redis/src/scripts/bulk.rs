//! Adds many items to many streams.

use fred::bytes::Bytes;

use crate::client::command::{Command, Notice, Script};

static BULK: Script = Script::new(concat!(
    include_str!("insert.lua"),
    include_str!("foreign.lua"),
    include_str!("bulk.lua")
));

/// The same, and tells it.
static BULK_AND_TELL: Script = Script::new(concat!(
    include_str!("tell.lua"),
    include_str!("insert.lua"),
    include_str!("foreign.lua"),
    include_str!("bulk.lua")
));

/// What is put into one stream.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) stream: Bytes,
    pub(crate) score: Bytes,
    pub(crate) member: Bytes,
}

/// Adds these rows, which in a cluster are of one slot, and tells it.
/// [`changed`](crate::reply::changed) reads the reply.
pub(crate) fn bulk(rows: impl IntoIterator<Item = Row>, notice: Option<Notice>) -> Command {
    let (mut streams, mut args) = (Vec::new(), Vec::new());
    for Row { stream, score, member } in rows {
        streams.push(stream);
        args.extend([score.into(), member.into()]);
    }
    match notice {
        None => BULK.run(streams, args),
        Some(notice) => BULK_AND_TELL.run(streams, args).telling(notice),
    }
}
