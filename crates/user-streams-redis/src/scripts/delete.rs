//! Deletes a part of a stream, and the shared content that no other stream refers to.

use fred::bytes::Bytes;

use crate::client::command::{Command, Script, integer};

static DELETE: Script = Script::new(include_str!("delete.lua"));

/// The items that one call deletes: about a millisecond of the server's time.
const LIMIT: u64 = 200;

/// Deletes some of the oldest members up to the `newest`, and the shared content, at keys that
/// begin with `content_prefix`, that nothing refers to any more. The reply is how many members were
/// deleted, and `newest` if it is still there.
pub(crate) fn delete(stream: Bytes, content_prefix: Bytes, newest: Bytes) -> Command {
    DELETE.run(vec![stream], [content_prefix.into(), newest.into(), integer(LIMIT)])
}
