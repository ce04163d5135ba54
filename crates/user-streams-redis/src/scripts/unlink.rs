//! Deletes what is at the key of a stream and is none.

use fred::bytes::Bytes;

use crate::client::command::{Command, Script};

static UNLINK: Script = Script::new(include_str!("unlink.lua"));

/// Deletes a key of another type than a stream. The reply is 1, or 0 if it is a stream or nothing.
pub(crate) fn unlink(stream: Bytes) -> Command {
    UNLINK.run(vec![stream], [])
}
