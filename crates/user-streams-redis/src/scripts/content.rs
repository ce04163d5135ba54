//! Reads shared content, as far as a limit in bytes goes.

use fred::bytes::Bytes;

use crate::client::command::{Command, Script, integer};

static CONTENT: Script = Script::new(include_str!("content.lua"));

/// Reads the values at the first of these keys, at least one, until they have so many bytes.
pub(crate) fn content(keys: Vec<Bytes>, bytes: usize) -> Command {
    CONTENT.run(keys, [integer(bytes as u64)])
}
