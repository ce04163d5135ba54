//! A user's marks, at one key: a hash from the name to the place, 16 bytes as a member begins with.

use user_streams_core::{
    Cursor, Error, ErrorKind, Name, Result, UserId,
    backend::{MarkQuery, SetMark},
};

use super::store::Store;
use crate::{
    client::command::Command,
    reply,
    scripts::mark::move_mark,
    storage::member::{Member, SORT_KEY_LEN},
};

/// Where the mark is.
pub(crate) async fn mark(store: &Store, query: MarkQuery) -> Result<Option<Cursor>> {
    let MarkQuery { user, name, .. } = query;
    let command = Command::on_key("HGET", store.keys.marks(&user)?, [name.as_str().into()]);
    let reply = one(store, &user, &name, command).await?;
    if reply.is_null() {
        return Ok(None);
    }
    let place = reply::bytes(reply)?;
    let cursor = Member::parse(&place).and_then(|member| member.cursor());
    match cursor {
        Ok(cursor) if place.len() == SORT_KEY_LEN => Ok(Some(cursor)),
        _ => Err(damaged(store, &user, &name)),
    }
}

/// Moves the mark, and returns whether it moved.
pub(crate) async fn set_mark(store: &Store, args: SetMark) -> Result<bool> {
    let SetMark { user, name, to, back, .. } = args;
    let command = move_mark(store.keys.marks(&user)?, &name, to, back);
    reply::count(&one(store, &user, &name, command).await?).map(|moved| moved == 1)
}

async fn one(
    store: &Store,
    user: &UserId,
    name: &Name,
    command: Command,
) -> Result<fred::types::Value> {
    let reply = store.executor.one(store.executor.deadline(), command).await;
    reply.map_err(|error| match error.kind() {
        ErrorKind::Corrupt => damaged(store, user, name),
        _ => error,
    })
}

/// The error for a mark that something else has written.
pub(super) fn damaged(store: &Store, user: &UserId, name: &Name) -> Error {
    let key = store.keys.marks(user).unwrap_or_default();
    Error::new(
        ErrorKind::Corrupt,
        format!(
            "the mark `{name}` of user {user} cannot be read: something else has written the key \
             `{}`, a hash, or its field `{name}`; delete it, and look for what that was",
            String::from_utf8_lossy(&key)
        ),
    )
}
