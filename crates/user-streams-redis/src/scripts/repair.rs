//! Deletes damaged members.

use fred::bytes::Bytes;

use crate::client::command::{Command, Script};

static REPAIR: Script = Script::new(include_str!("repair.lua"));

/// A damaged member.
#[derive(Debug)]
pub(crate) struct Damaged {
    pub(crate) member: Bytes,
    pub(crate) score: Bytes,
    /// If only its shared content is missing: the end of the key at which that should be.
    pub(crate) content: Option<String>,
}

/// Deletes these members, unless they are in order by now. The reply is how many there were.
/// Without the prefix of the keys of shared content, that is not looked for.
pub(crate) fn repair(stream: Bytes, prefix: Option<Bytes>, damaged: Vec<Damaged>) -> Command {
    let mut args = vec![prefix.unwrap_or_default().into()];
    for Damaged { member, score, content } in damaged {
        args.extend([member.into(), score.into(), content.unwrap_or_default().into()]);
    }
    REPAIR.run(vec![stream], args)
}
