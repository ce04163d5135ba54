//! Adds many items to many streams.

use fred::bytes::Bytes;
use user_streams_core::NewItem;

use crate::{
    client::command::{Command, Notice, Script},
    storage::member,
};

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

static EACH: Script = Script::new(concat!(include_str!("insert.lua"), include_str!("each.lua")));

/// The same, and tells it.
static EACH_AND_TELL: Script = Script::new(concat!(
    include_str!("tell.lua"),
    include_str!("insert.lua"),
    include_str!("each.lua")
));

/// What is put into one stream.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) stream: Bytes,
    pub(crate) score: Bytes,
    pub(crate) member: Bytes,
}

impl Row {
    /// An item, with its content, for the stream at this key.
    pub(crate) fn new(stream: Bytes, item: &NewItem) -> Self {
        let score = item.created_at_us().to_string().into();
        Self { stream, score, member: member::encode(item) }
    }
}

/// Adds these rows, which in a cluster are of one slot, and tells it.
/// [`changed`](crate::reply::changed) reads the reply.
pub(crate) fn bulk(rows: impl IntoIterator<Item = Row>, notice: Option<Notice>) -> Command {
    run([&BULK, &BULK_AND_TELL], rows, notice)
}

/// The same with a reply for each row, which [`each`](crate::reply::each) reads.
pub(crate) fn each(rows: impl IntoIterator<Item = Row>, notice: Option<Notice>) -> Command {
    run([&EACH, &EACH_AND_TELL], rows, notice)
}

fn run(
    [script, and_tell]: [&'static Script; 2],
    rows: impl IntoIterator<Item = Row>,
    notice: Option<Notice>,
) -> Command {
    let (mut streams, mut args) = (Vec::new(), Vec::new());
    for Row { stream, score, member } in rows {
        streams.push(stream);
        args.extend([score.into(), member.into()]);
    }
    match notice {
        None => script.run(streams, args),
        Some(notice) => and_tell.run(streams, args).telling(notice),
    }
}
