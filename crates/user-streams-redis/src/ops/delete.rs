//! Deletes a stream.
//!
//! A delete goes no further than the member that was the newest at the beginning. Otherwise one
//! that arrives late, because its caller gave up or the network delayed it, would delete what was
//! added since; and so one that is sent again deletes no more than there was.
//!
//! A key of another type at the place of the stream is deleted as well, and counts as one item.

use fred::bytes::Bytes;
use tokio::time::Instant;
use user_streams_core::{ErrorKind, Result, backend::DeleteStream};

use super::{
    range::range,
    store::{Store, Stream},
};
use crate::{
    client::command::Range,
    reply,
    scripts::{clear::clear, unlink::unlink},
};

/// Deletes the stream, with shared content in parts, and returns how many items there were.
pub(crate) async fn delete(store: &Store, args: DeleteStream) -> Result<u64> {
    let stream = store.stream(args.user)?;
    let deleted = match store.shared_content_min_len {
        None => members(store, &stream).await,
        Some(_) => range(store, &stream, None, None).await,
    };
    or_foreign_key(store, &stream, deleted).await
}

/// What was deleted; or, if that failed since what is at the key of the stream is none, deletes
/// that, and returns whether there was something.
pub(super) async fn or_foreign_key(
    store: &Store,
    stream: &Stream,
    deleted: Result<u64>,
) -> Result<u64> {
    match deleted {
        Err(error) if error.kind() == ErrorKind::Corrupt => {
            let executor = &store.executor;
            let reply = executor.one(executor.deadline(), unlink(stream.key.clone())).await?;
            reply::count(&reply)
        }
        deleted => deleted,
    }
}

/// Deletes the stream at once. Shared content stays.
async fn members(store: &Store, stream: &Stream) -> Result<u64> {
    let deadline = store.executor.deadline();
    while let Some(newest) = newest(store, deadline, stream).await? {
        let command = clear(stream.key.clone(), newest);
        let deleted = reply::count(&store.one(deadline, stream, command).await?)?;
        if deleted > 0 {
            return Ok(deleted);
        }
        // The newest was deleted in between; there may be others.
    }
    Ok(0)
}

async fn newest(store: &Store, deadline: Instant, stream: &Stream) -> Result<Option<Bytes>> {
    Ok(store.range(deadline, stream, Range::Ranks(0, 0)).await?.into_iter().next())
}
