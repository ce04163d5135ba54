//! Deletes a stream.

use fred::bytes::Bytes;

use crate::client::command::{Command, Script};

static CLEAR: Script = Script::new(include_str!("clear.lua"));

/// Deletes all members up to the `newest`. The reply is how many there were.
pub(crate) fn clear(stream: Bytes, newest: Bytes) -> Command {
    CLEAR.run(vec![stream], [newest.into()])
}
