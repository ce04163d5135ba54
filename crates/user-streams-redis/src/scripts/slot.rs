//! Lists the streams in a slot of a cluster.

use fred::{bytes::Bytes, types::Value};

use crate::client::command::{Command, Script};

static SLOT: Script = Script::new(include_str!("slot.lua"));

/// The keys in a slot that begin with `prefix`. `absent` is a key of that slot which is never
/// there.
///
/// A server redirects by that key unless all keys of the slot are with it. While the slot moves,
/// what is still with the source is listed first, and then, with `ASKING`, what has arrived at the
/// target: a key that moves in between is listed twice rather than missed.
pub(crate) fn streams_in_slot(slot: u16, absent: Bytes, prefix: &str) -> Command {
    let number = Value::from(i64::from(slot));
    let listing = Command::to_server(
        "CLUSTER",
        vec!["GETKEYSINSLOT".into(), number.clone(), i64::from(i32::MAX).into()],
    );
    SLOT.run(vec![absent], [number, prefix.into()]).joined_to(listing)
}
