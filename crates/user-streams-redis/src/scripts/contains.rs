//! Whether streams have items.

use fred::bytes::Bytes;
use user_streams_core::Cursor;

use crate::{
    client::command::{Command, Script},
    storage::member,
};

static CONTAINS: Script = Script::new(concat!(
    include_str!("place.lua"),
    include_str!("item.lua"),
    include_str!("foreign.lua"),
    include_str!("contains.lua")
));

/// For each stream and item, which in a cluster are of one slot: 1 if it has the item, 0 if not, -1
/// if the key is of another type.
pub(crate) fn contains(pairs: impl IntoIterator<Item = (Bytes, Cursor)>) -> Command {
    let (mut streams, mut args) = (Vec::new(), Vec::new());
    for (stream, item) in pairs {
        let (score, sort_key) = member::score_and_sort_key(item);
        streams.push(stream);
        args.extend([score.into(), sort_key.into()]);
    }
    CONTAINS.run(streams, args)
}
