//! Deletes what is between two places of a stream, and the shared content that no other stream
//! refers to.

use fred::bytes::Bytes;
use user_streams_core::Cursor;

use crate::{
    client::command::{Command, Script, integer},
    storage::member,
};

static RANGE: Script = Script::new(concat!(
    include_str!("place.lua"),
    include_str!("date.lua"),
    include_str!("release.lua"),
    include_str!("range.lua")
));

/// The items that one call deletes: each about a millisecond of the server's time.
const LIMIT: u64 = 2_000;
/// The same with shared content.
const LIMIT_WITH_CONTENT: u64 = 200;

/// Where a range ends.
#[derive(Debug, Clone)]
pub(crate) enum End {
    /// Before the item at this place.
    Before(Cursor),
    /// With the member of this score, whatever it is, whether it is still there or not.
    Through { score: Bytes, member: Bytes },
}

/// Deletes some of the oldest members of a range, and the shared content, at keys that begin with
/// `content_prefix`, that nothing refers to any more. The reply is how many members were deleted,
/// and 1 if there are more.
pub(crate) fn delete(
    stream: Bytes,
    content_prefix: Option<Bytes>,
    newer_than: Option<Cursor>,
    end: End,
) -> Command {
    let limit = if content_prefix.is_some() { LIMIT_WITH_CONTENT } else { LIMIT };
    let (score, sort_key) = newer_than.map(member::score_and_sort_key).unwrap_or_default();
    let (end_score, end, kind) = match end {
        End::Before(cursor) => {
            let (score, sort_key) = member::score_and_sort_key(cursor);
            (score, sort_key, "before")
        }
        End::Through { score, member } => (score, member, "through"),
    };
    let content_prefix = content_prefix.unwrap_or_default().into();
    let bounds = [score, sort_key, end_score, end].map(Into::into);
    let args = [content_prefix, integer(limit)].into_iter().chain(bounds);
    RANGE.run(vec![stream], args.chain([kind.into()]))
}
