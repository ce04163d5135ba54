//! Everyone who has a stream.

use futures_core::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::{
    Result, Streams, UserId,
    backend::{ListUsers, UsersCursor, UsersPage},
    handle::Handle,
    observe::Operation,
};

/// How many users are listed at a time.
const USERS: u64 = 256;

impl Streams {
    /// Everyone who has a stream, in no particular order. Who gets or loses one meanwhile may be
    /// missing; nobody else is. On Redis a user may come twice.
    pub fn users(&self) -> BoxStream<'static, Result<UserId>> {
        let pages = pages(self.handle().clone(), None);
        pages.map_ok(|page| stream::iter(page.users).map(Ok)).try_flatten().boxed()
    }
}

/// The users, a part of the list at a time, from a place on.
pub(super) fn pages(
    handle: Handle,
    after: Option<UsersCursor>,
) -> BoxStream<'static, Result<UsersPage>> {
    let first = Some((handle, after));
    let pages = stream::try_unfold(first, |state| async move {
        let Some((handle, after)) = state else { return Ok(None) };
        let mut query = ListUsers::new(USERS);
        query.after = after;
        let list = handle.backend().list_users(query);
        let page = handle.call(Operation::ListUsers).run(list).await?;
        let next = page.next.clone().map(|after| (handle, Some(after)));
        Ok(Some((page, next)))
    });
    pages.boxed()
}
