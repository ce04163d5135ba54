//! Deletes what is between two places of a stream, in parts: the oldest items first, some at a
//! time, with the shared content that nothing else refers to.
//!
//! Without an end, the range goes no further than the member that was the newest at the beginning:
//! what is added meanwhile stays, however late a part arrives. A part begins and ends at places,
//! not at ranks or members, so that adds and removals in between make no difference.

use fred::{bytes::Bytes, types::Value};
use user_streams_core::{Cursor, Result, backend::DeleteRange};

use super::store::{Store, Stream};
use crate::{
    reply,
    scripts::{
        page::{Direction, Limits, Place, page},
        range::{End, delete},
    },
};

/// Deletes the range, and returns how many items there were.
pub(crate) async fn delete_range(store: &Store, args: DeleteRange) -> Result<u64> {
    let stream = store.stream(args.user)?;
    match range(store, &stream, args.newer_than, args.older_than).await {
        Err(error) => store.on_corrupt.check(error).map(|()| 0),
        deleted => deleted,
    }
}

/// Deletes what is newer than the one place and older than the other.
pub(super) async fn range(
    store: &Store,
    stream: &Stream,
    newer_than: Option<Cursor>,
    older_than: Option<Cursor>,
) -> Result<u64> {
    let end = match older_than {
        Some(cursor) => End::Before(cursor),
        None => match newest(store, stream).await? {
            Some(end) => end,
            None => return Ok(0),
        },
    };
    let mut deleted = 0;
    loop {
        let command = delete(stream.key.clone(), store.content_prefix(), newer_than, end.clone());
        let reply = store.one(store.executor.deadline(), stream, command).await?;
        let [part, has_more] =
            reply::array(reply)?.try_into().map_err(|_: Vec<Value>| reply::unexpected())?;
        deleted += reply::count(&part)?;
        if reply::count(&has_more)? == 0 {
            return Ok(deleted);
        }
    }
}

/// The newest member.
async fn newest(store: &Store, stream: &Stream) -> Result<Option<End>> {
    let limits = Limits { members: 1, bytes: 1, step: 1 };
    let command = page(stream.key.clone(), Place::Rank(0), Direction::Older, limits);
    let reply = store.one(store.executor.deadline(), stream, command).await?;
    let found = reply::array(reply)?.pop().ok_or_else(reply::unexpected)?;
    let mut found: std::vec::IntoIter<Bytes> = reply::byte_strings(found)?.into_iter();
    Ok(found.next().zip(found.next()).map(|(member, score)| End::Through { score, member }))
}
