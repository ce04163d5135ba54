//! Lists what is newer than places in many streams.

use fred::bytes::Bytes;
use user_streams_core::Cursor;

use crate::{
    client::command::{Command, Script, integer},
    storage::member,
};

static LIST_NEWER: Script = Script::new(concat!(
    include_str!("place.lua"),
    include_str!("foreign.lua"),
    include_str!("list_newer.lua")
));

/// Lists up to `limit` members, as described in the script. In a cluster the streams are of one
/// slot.
pub(crate) fn list_newer(places: impl IntoIterator<Item = (Bytes, Cursor)>, limit: u64) -> Command {
    let (mut streams, mut args) = (Vec::new(), vec![integer(limit)]);
    for (stream, place) in places {
        let (score, sort_key) = member::score_and_sort_key(place);
        streams.push(stream);
        args.extend([score.into(), sort_key.into()]);
    }
    LIST_NEWER.run(streams, args)
}
