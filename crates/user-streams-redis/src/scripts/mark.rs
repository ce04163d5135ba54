//! Moves a mark.

use fred::bytes::Bytes;
use user_streams_core::{Cursor, Name};

use crate::{
    client::command::{Command, Script},
    storage::member,
};

static MARK: Script = Script::new(concat!(
    include_str!("place.lua"),
    include_str!("date.lua"),
    include_str!("mark.lua")
));

/// Moves the mark to a place, or to nowhere; forward alone, unless `back`. The reply is whether it
/// moved.
pub(crate) fn move_mark(marks: Bytes, name: &Name, to: Option<Cursor>, back: bool) -> Command {
    let to = to.map_or_else(Bytes::new, |to| Bytes::copy_from_slice(&member::sort_key(to)));
    let direction = if back { "back" } else { "forward" };
    MARK.run(vec![marks], [name.as_str().into(), to.into(), direction.into()])
}
