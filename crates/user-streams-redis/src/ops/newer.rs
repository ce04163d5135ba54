//! Counts what is newer than a place or a mark: by ranks, whatever their number.

use user_streams_core::{
    Error, Result,
    backend::{CountNewer, Than},
};

use super::{mark, store::Store};
use crate::{
    config::NAME,
    reply,
    scripts::newer::{newer_than, newer_than_mark},
};

pub(crate) async fn count_newer(store: &Store, query: CountNewer) -> Result<u64> {
    let CountNewer { user, than, limit, .. } = query;
    let stream = store.stream(user)?;
    let command = match &than {
        Than::Cursor(cursor) => newer_than(stream.key.clone(), *cursor, limit),
        Than::Mark(name) => {
            let marks = store.keys.marks(&stream.user)?;
            newer_than_mark(stream.key.clone(), marks, name, limit)
        }
        _ => return Err(Error::unsupported(NAME, "a count from this place")),
    };
    let reply = match store.one(store.executor.deadline(), &stream, command).await {
        Ok(reply) => reply,
        Err(error) => return store.on_corrupt.check(error).map(|()| 0),
    };
    match than {
        Than::Mark(name) if reply.is_null() => Err(mark::damaged(store, &stream.user, &name)),
        _ => reply::count(&reply),
    }
}
