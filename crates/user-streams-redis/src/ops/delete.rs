//! Deletes a stream.
//!
//! A delete goes no further than the member that was the newest at the beginning. Otherwise one
//! that arrives late, because its caller gave up or the network delayed it, would delete what was
//! added since; and so one that is sent again deletes no more than there was.

use fred::bytes::Bytes;
use tokio::time::Instant;
use user_streams_core::{Result, backend::DeleteStream};

use super::store::Store;
use crate::{
    client::command::Range,
    reply,
    scripts::{clear::clear, delete},
};

/// Deletes the stream, and returns how many items there were.
pub(crate) async fn delete(store: &Store, args: DeleteStream) -> Result<u64> {
    let key = store.keys.stream(&args.user)?;
    match store.shared_content_min_len {
        None => members(store, key).await,
        Some(_) => members_and_content(store, key).await,
    }
}

/// Deletes the stream at once. Shared content stays.
async fn members(store: &Store, key: Bytes) -> Result<u64> {
    let executor = &store.executor;
    let deadline = executor.deadline();
    while let Some(newest) = newest(store, deadline, &key).await? {
        let reply = executor.one(deadline, clear(key.clone(), newest)).await?;
        let deleted = reply::count(&reply)?;
        if deleted > 0 {
            return Ok(deleted);
        }
        // The newest was deleted in between; there may be others.
    }
    Ok(0)
}

/// Deletes the stream some items at a time, with the shared content that nothing else refers to.
async fn members_and_content(store: &Store, key: Bytes) -> Result<u64> {
    let executor = &store.executor;
    let mut deleted = 0;
    while deleted == 0
        && let Some(mut newest) = newest(store, executor.deadline(), &key).await?
    {
        loop {
            let command = delete::delete(key.clone(), store.keys.shared_content_prefix(), newest);
            let reply = executor.one(executor.deadline(), command).await?;
            let mut reply = reply::array(reply)?.into_iter();
            deleted +=
                reply.next().as_ref().map_or_else(|| Err(reply::unexpected()), reply::count)?;
            match reply.next() {
                Some(member) => newest = reply::bytes(member)?,
                None => break,
            }
        }
    }
    Ok(deleted)
}

async fn newest(store: &Store, deadline: Instant, key: &Bytes) -> Result<Option<Bytes>> {
    Ok(store.range(deadline, key, Range::Ranks(0, 0)).await?.into_iter().next())
}
