//! The recipients of an operation, as far as they can be known before a connection is taken.

use std::sync::Arc;

use sea_orm::sea_query::SelectStatement;
use tokio::time::timeout_at;
use user_streams_core::{
    Recipients, Result, UserId,
    backend::{Chunk, RecipientChunks},
};

use super::{Store, batch};
use crate::{Users, pool::Limits};

/// Who they are.
pub(super) enum Target {
    Nobody,
    /// Without duplicates, in the order of the primary key; not empty.
    List(Vec<UserId>),
    /// The first of several chunks, and the others.
    Stream(Chunk, RecipientChunks),
    /// Those of a query on the backend's own database.
    Query(Box<SelectStatement>),
}

impl Target {
    /// Reads the first chunk.
    pub(super) async fn of(
        store: &Arc<Store>,
        limits: Limits,
        recipients: Recipients,
    ) -> Result<Self> {
        let recipients = match recipients.query_as::<Users>() {
            Ok(users) => match users.into_local() {
                Ok(select) => return Ok(Self::Query(select)),
                Err(remote) => remote_users(store, limits, remote).await?,
            },
            Err(recipients) => recipients,
        };
        let kind = store.schema.user_id;
        let mut chunks = recipients.into_chunks(store.backend, kind, batch::size(kind))?;
        let first = timeout_at(limits.deadline, batch::next(&mut chunks)).await;
        Ok(match first.map_err(|_| limits.timeout_error())?? {
            None => Self::Nobody,
            Some(first) if !first.last => Self::Stream(first, chunks),
            Some(first) if first.users.is_empty() => Self::Nobody,
            Some(first) => Self::List(first.users),
        })
    }
}

/// The users of a query on another database. That may be the pool that the backend writes to, so
/// they are read to the end first: a pool of one connection would wait for itself.
async fn remote_users(store: &Store, limits: Limits, users: Users) -> Result<Recipients> {
    let recipients = Recipients::query(users);
    if store.pools.application.is_none() {
        return Ok(recipients);
    }
    let kind = store.schema.user_id;
    let chunks = recipients.into_chunks(store.backend, kind, batch::size(kind))?;
    let collected = timeout_at(limits.deadline, batch::collect(chunks)).await;
    collected.map_err(|_| limits.timeout_error())?
}
