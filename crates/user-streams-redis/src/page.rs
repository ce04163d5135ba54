//! Reading a part of a stream.
//!
//! By offset it is a plain range of ranks. By cursor it is first tried by a plain range of scores
//! that begins at the cursor's, and a little more than is wanted: what is of the cursor's very
//! instant but on its other side is left out of it, which is the item at the cursor itself and
//! rarely another. Only where many items are of that instant, so that too few are left, a script
//! finds the exact place. The plain range takes two thirds of the script's time.
//!
//! Contents that are stored apart are read next. One that is not there may have gone with its
//! stream in between, so the page is read again; one that is missing from both is lost.

use fred::{bytes::Bytes, types::Value};
use tokio::time::Instant;
use user_streams_core::{Cursor, Position, Result, StreamItem};

use crate::{
    backend::unexpected,
    client::Client,
    command::{Command, Range},
    contents::{self, Items},
    keys::Keys,
    member, scripts,
};

/// How many more items than wanted are read: the one at the cursor, and one more of its instant.
const MORE: u64 = 2;

/// Which side of a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    After,
    Before,
}

/// Up to `limit` items of the stream at `key`, newest first.
pub(crate) async fn read(
    client: &Client,
    keys: &Keys,
    key: Bytes,
    position: Position,
    limit: u64,
) -> Result<Vec<StreamItem>> {
    let deadline = client.deadline();
    let mut missed: Vec<Bytes> = Vec::new();
    loop {
        let members = page(client, deadline, key.clone(), position, limit).await?;
        match contents::of(client, deadline, keys, &members).await? {
            Items::All(items) => return Ok(items),
            Items::Missing(missing) => {
                match missing.iter().find(|missing| missed.contains(missing)) {
                    Some(lost) => return Err(contents::lost(lost, &key)),
                    None => missed = missing,
                }
            }
        }
    }
}

async fn page(
    client: &Client,
    deadline: Instant,
    key: Bytes,
    position: Position,
    limit: u64,
) -> Result<Vec<Bytes>> {
    Ok(match position {
        _ if limit == 0 => Vec::new(),
        Position::Offset(offset) => {
            let last = offset.saturating_add(limit - 1);
            members(
                client.one_by(deadline, Command::range(key, Range::Ranks(offset, last))).await?,
            )?
        }
        Position::After(cursor) => {
            beside(client, deadline, key, cursor, Side::After, limit).await?
        }
        Position::Before(cursor) => {
            beside(client, deadline, key, cursor, Side::Before, limit).await?
        }
    })
}

async fn beside(
    client: &Client,
    deadline: Instant,
    key: Bytes,
    cursor: Cursor,
    side: Side,
    limit: u64,
) -> Result<Vec<Bytes>> {
    let wanted = limit.saturating_add(MORE);
    let at = cursor.created_at_us();
    let range = match side {
        Side::After => Range::Down(at, wanted),
        Side::Before => Range::Up(at, wanted),
    };
    let read = members(client.one_by(deadline, Command::range(key.clone(), range)).await?)?;
    let all = (read.len() as u64) < wanted;
    match select(read, all, cursor, side, limit) {
        Some(members) => Ok(members),
        None => members(client.one_by(deadline, scripts::page(key, cursor, side, limit)).await?),
    }
}

/// Those on the right side of the cursor, newest first; `None` if there may be more than were read.
fn select(
    mut read: Vec<Bytes>,
    all: bool,
    cursor: Cursor,
    side: Side,
    limit: u64,
) -> Option<Vec<Bytes>> {
    let place = member::place(cursor);
    let beyond = |member: &Bytes| {
        let other = &member[..member.len().min(member::PLACE)];
        match side {
            Side::After => other < &place[..],
            Side::Before => other > &place[..],
        }
    };
    let start = read.iter().position(beyond).unwrap_or(read.len());
    read.drain(..start);
    if !all && (read.len() as u64) < limit {
        return None;
    }
    read.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    if side == Side::Before {
        read.reverse();
    }
    Some(read)
}

fn members(answer: Value) -> Result<Vec<Bytes>> {
    let Value::Array(members) = answer else { return Err(unexpected()) };
    members.into_iter().map(|member| member.into_bytes().ok_or_else(unexpected)).collect()
}
