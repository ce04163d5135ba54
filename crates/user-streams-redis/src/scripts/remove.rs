//! Removes one item from some streams.

use fred::{bytes::Bytes, types::Value};
use user_streams_core::Cursor;

use crate::{
    client::command::{Command, Script},
    storage::member,
};

static REMOVE: Script = Script::new(concat!(
    include_str!("place.lua"),
    include_str!("item.lua"),
    include_str!("release.lua"),
    include_str!("foreign.lua"),
    include_str!("remove.lua")
));

/// Removes the item from the streams at these keys. The content at the key, if there is one, loses
/// the references. [`changed`](crate::reply::changed) reads the reply.
pub(crate) fn remove(mut streams: Vec<Bytes>, item: Cursor, content: Option<Bytes>) -> Command {
    let (score, sort_key) = member::score_and_sort_key(item);
    let has_content = content.is_some().then_some("content");
    streams.extend(content);
    let args = [score.into(), sort_key.into()].into_iter();
    REMOVE.run(streams, args.chain(has_content.map(Value::from)))
}
