//! Reads a part of a stream, from any place on, as far as a limit in bytes goes.

use fred::bytes::Bytes;
use user_streams_core::Cursor;

use crate::{
    client::command::{Command, Script, integer},
    storage::member,
};

static PAGE: Script = Script::new(concat!(include_str!("place.lua"), include_str!("page.lua")));

/// The most items of a page: more than a sorted set can have, and exact as a Lua number.
pub(crate) const MAX_LIMIT: u64 = 1 << 40;

/// A direction of reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Older,
    Newer,
}

/// Where a part begins.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// At a rank, in the direction of reading.
    Rank(u64),
    /// Right beside the members of this score that begin with this sort key.
    SortKey { score: Bytes, sort_key: Bytes },
    /// Right beside this member, whatever it is, whether it is still there or not.
    Member { score: Bytes, member: Bytes },
}

impl Place {
    pub(crate) fn beside(cursor: Cursor) -> Self {
        let (score, sort_key) = member::score_and_sort_key(cursor);
        Self::SortKey { score, sort_key }
    }
}

/// How much a part has at the most.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) members: u64,
    /// Nothing more is read once the members have so many bytes.
    pub(crate) bytes: usize,
    /// How many members the script reads at a time: what is over the limit is read in vain.
    pub(crate) step: usize,
}

/// Reads members and their scores, as described in the script.
pub(crate) fn page(stream: Bytes, place: Place, direction: Direction, limits: Limits) -> Command {
    let direction = match direction {
        Direction::Older => "older",
        Direction::Newer => "newer",
    };
    let mut args = vec![
        integer(limits.members.min(MAX_LIMIT)),
        integer(limits.bytes as u64),
        integer(limits.step as u64),
        direction.into(),
    ];
    match place {
        Place::Rank(rank) => args.push(integer(rank.min(MAX_LIMIT))),
        Place::SortKey { score, sort_key } => {
            args.extend([score.into(), sort_key.into(), "sort key".into()]);
        }
        Place::Member { score, member } => args.extend([score.into(), member.into()]),
    }
    PAGE.run(vec![stream], args)
}
