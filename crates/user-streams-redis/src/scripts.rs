//! The Lua scripts: what has to happen in one step on the server.
//!
//! A script is called by its hash. A server that does not know it (a new one, one that was
//! restarted, a replica that took over) says so, and gets the text then; see `Server::send`.

use std::sync::LazyLock;

use fred::{bytes::Bytes, types::Value, util::sha1_hash};
use user_streams_core::{Cursor, NewItem};

use crate::{
    command::{Command, integer},
    keys::Keys,
    member,
    page::Side,
};

const ADD: &str = include_str!("scripts/add.lua");
const CLEAR: &str = include_str!("scripts/clear.lua");
const DELETE: &str = include_str!("scripts/delete.lua");
const PAGE: &str = include_str!("scripts/page.lua");
/// Digits before a content that several users share: how many they are.
pub(crate) const COUNT: usize = 10;
/// Items of a stream that are deleted at once: it holds up the server for about a millisecond.
const DELETED: u64 = 200;
/// The most items of a page by cursor: more than a sorted set can have, and exact in a Lua number.
const MAX_LIMIT: u64 = 1 << 40;

static ADD_SHA: LazyLock<Bytes> = LazyLock::new(|| sha1_hash(ADD).into());
static CLEAR_SHA: LazyLock<Bytes> = LazyLock::new(|| sha1_hash(CLEAR).into());
static DELETE_SHA: LazyLock<Bytes> = LazyLock::new(|| sha1_hash(DELETE).into());
static PAGE_SHA: LazyLock<Bytes> = LazyLock::new(|| sha1_hash(PAGE).into());

/// The commands that make the scripts known to a server.
pub(crate) fn load() -> [Command; 4] {
    [ADD, CLEAR, DELETE, PAGE].map(|text| {
        Command::to_server(
            "SCRIPT",
            vec!["LOAD".into(), Bytes::from_static(text.as_bytes()).into()],
        )
    })
}

/// An item on its way, encoded once for all its recipients.
#[derive(Debug, Clone)]
pub(crate) struct Add {
    score: Bytes,
    member: Bytes,
    /// The key of the content and the content, if it is not in the member.
    shared: Option<(Bytes, Bytes)>,
}

impl Add {
    pub(crate) fn new(item: &NewItem) -> Self {
        let score = item.created_at_us().to_string().into();
        Self { score, member: member::encode(item), shared: None }
    }

    /// With the content apart, once for all.
    pub(crate) fn shared(item: &NewItem, keys: &Keys) -> Self {
        let key = keys.item(item.created_at_us(), item.id().get());
        Self {
            score: item.created_at_us().to_string().into(),
            member: member::encode_shared(item),
            shared: Some((key, Bytes::copy_from_slice(item.content().as_bytes()))),
        }
    }

    /// Adds the item to the streams at these keys, of which there is at least one; answers how many
    /// received it.
    pub(crate) fn to(&self, keys: Vec<Bytes>) -> Command {
        let first = keys.first().cloned().unwrap_or_default();
        let (item, content) = self.shared.clone().unzip();
        let mut args = Vec::with_capacity(keys.len() + 6);
        args.push(ADD_SHA.clone().into());
        args.push(integer(keys.len() as u64 + u64::from(item.is_some())));
        args.extend(keys.into_iter().chain(item).map(Value::from));
        args.push(self.score.clone().into());
        args.push(self.member.clone().into());
        args.extend(content.map(Value::from));
        Command::new("EVALSHA", first, args)
    }
}

/// Deletes all members up to the `last` one, and answers how many.
pub(crate) fn clear(key: Bytes, last: Bytes) -> Command {
    let args = vec![CLEAR_SHA.clone().into(), 1.into(), key.clone().into(), last.into()];
    Command::new("EVALSHA", key, args)
}

/// Deletes some of the oldest members up to the `last` one, and what they alone have of the
/// contents that begin with `items`; answers how many, and the last one if it is still there.
pub(crate) fn delete(key: Bytes, items: Bytes, last: Bytes) -> Command {
    let args = vec![
        DELETE_SHA.clone().into(),
        1.into(),
        key.clone().into(),
        items.into(),
        last.into(),
        integer(DELETED),
    ];
    Command::new("EVALSHA", key, args)
}

/// Reads up to `limit` members on one side of a cursor, newest first, however many are of its
/// instant.
pub(crate) fn page(key: Bytes, cursor: Cursor, side: Side, limit: u64) -> Command {
    let args = vec![
        PAGE_SHA.clone().into(),
        1.into(),
        key.clone().into(),
        cursor.created_at_us().to_string().into(),
        Bytes::copy_from_slice(&member::place(cursor)).into(),
        integer(limit.min(MAX_LIMIT)),
        match side {
            Side::After => "after".into(),
            Side::Before => "before".into(),
        },
    ];
    Command::new("EVALSHA", key, args)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_the_texts() {
        assert_eq!(ADD_SHA.len(), 40);
        assert_ne!(*ADD_SHA, *PAGE_SHA);
        assert_ne!(*DELETE_SHA, *PAGE_SHA);
    }
}
