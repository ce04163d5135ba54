//! Reads a part of a stream.
//!
//! By offset it is a range of ranks. By cursor it is first tried as a range of scores that begins
//! at the cursor's, with a few more items than wanted: those of the cursor's timestamp on its other
//! side, usually the item at the cursor alone, are dropped. Only where many items share that
//! timestamp, so that too few are left, a script finds the exact rank. The range takes two thirds
//! of the script's time.
//!
//! Shared content is read next. If some is missing, its stream may have been deleted in between, so
//! the page is read again; what is missing twice is lost.

use fred::bytes::Bytes;
use tokio::time::Instant;
use user_streams_core::{
    Cursor, Error, Result, StreamItem,
    backend::{Position, StreamQuery},
};

use super::store::Store;
use crate::{
    client::command::Range,
    config::NAME,
    reply,
    scripts::page::{self, Side},
    storage::{
        member::{self, SORT_KEY_LEN},
        shared_content::{self, Items},
    },
};

/// How many more items than wanted are read: the one at the cursor, and one more of its timestamp.
const EXTRA: u64 = 2;

/// Up to `limit` items at a position, newest first.
pub(crate) async fn page(store: &Store, query: StreamQuery) -> Result<Vec<StreamItem>> {
    let StreamQuery { user, position, limit, .. } = query;
    let key = store.keys.stream(&user)?;
    let deadline = store.executor.deadline();
    let mut missing_before: Vec<Bytes> = Vec::new();
    loop {
        let members = members(store, deadline, &key, position, limit).await?;
        match shared_content::items(&store.executor, deadline, &store.keys, &members).await? {
            Items::All(items) => return Ok(items),
            Items::Missing(missing) => {
                match missing.iter().find(|key| missing_before.contains(key)) {
                    Some(lost) => return Err(shared_content::lost(lost, &key)),
                    None => missing_before = missing,
                }
            }
        }
    }
}

async fn members(
    store: &Store,
    deadline: Instant,
    key: &Bytes,
    position: Position,
    limit: u64,
) -> Result<Vec<Bytes>> {
    let (cursor, side) = match position {
        _ if limit == 0 => return Ok(Vec::new()),
        Position::Offset(offset) => {
            let last = offset.saturating_add(limit - 1);
            return store.range(deadline, key, Range::Ranks(offset, last)).await;
        }
        Position::After(cursor) => (cursor, Side::After),
        Position::Before(cursor) => (cursor, Side::Before),
        _ => return Err(Error::unsupported(NAME, "a read from this position")),
    };
    let wanted = limit.saturating_add(EXTRA);
    let at = cursor.created_at_us();
    let range = match side {
        Side::After => Range::Down(at, wanted),
        Side::Before => Range::Up(at, wanted),
    };
    let read = store.range(deadline, key, range).await?;
    let is_all = (read.len() as u64) < wanted;
    match select(read, is_all, cursor, side, limit) {
        Some(members) => Ok(members),
        None => {
            let command = page::page(key.clone(), cursor, side, limit);
            reply::byte_strings(store.executor.one(deadline, command).await?)
        }
    }
}

/// Those on the wanted side of the cursor, newest first; `None` if there may be more than were
/// read.
fn select(
    mut read: Vec<Bytes>,
    is_all: bool,
    cursor: Cursor,
    side: Side,
    limit: u64,
) -> Option<Vec<Bytes>> {
    let sort_key = member::sort_key(cursor);
    let is_beyond = |member: &Bytes| {
        let other = &member[..member.len().min(SORT_KEY_LEN)];
        match side {
            Side::After => other < &sort_key[..],
            Side::Before => other > &sort_key[..],
        }
    };
    let start = read.iter().position(is_beyond).unwrap_or(read.len());
    read.drain(..start);
    if !is_all && (read.len() as u64) < limit {
        return None;
    }
    read.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    if side == Side::Before {
        read.reverse();
    }
    Some(read)
}
