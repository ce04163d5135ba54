//! Adding an item: to one user, to a list or a stream of users, or to the users of a query.

pub(super) mod batch;
mod deliver;
mod item;
pub(super) mod many;
mod one;
pub(super) mod query;

use std::sync::Arc;

use tokio::time::timeout_at;
use user_streams_core::{
    Recipients, Result,
    backend::{AddStreamItem, Progress},
};

use super::Store;
use crate::{Users, pool::runtime};

/// Adds an item; each of its recipients receives it once.
pub(crate) async fn add(store: &Arc<Store>, args: AddStreamItem) -> Result<u64> {
    runtime()?;
    let (recipients, item, on_progress) = args.into_parts();
    store.check_content_length(&item)?;
    let item = Arc::new(item);
    let recipients = match recipients.query_as::<Users>() {
        Ok(users) => match users.into_local() {
            Ok(select) => {
                let delivered = query::add(store, &select, &item).await?;
                return Ok(report(delivered, on_progress));
            }
            Err(remote) => remote_users(store, remote).await?,
        },
        Err(recipients) => recipients,
    };
    let limits = store.broadcast_limits();
    let kind = store.schema.user_id;
    let mut chunks = recipients.into_chunks(store.backend, kind, batch::size(kind))?;
    // No connection is taken before there is something to write.
    let first = timeout_at(limits.deadline, batch::next(&mut chunks)).await;
    let Some(first) = first.map_err(|_| limits.timeout_error())?? else {
        return Ok(report(0, on_progress));
    };
    let delivered = match (&first.users[..], first.last) {
        ([user], true) => one::add(store, user.clone(), &item).await?,
        (_, true) => many::add(store, first.users, &item).await?,
        (_, false) => {
            return many::add_stream(store, limits, first, chunks, item, on_progress).await;
        }
    };
    Ok(report(delivered, on_progress))
}

/// The users of a query on another database. That may be the pool that the backend writes to, so
/// they are read to the end first: a pool of one connection would wait for itself.
async fn remote_users(store: &Store, users: Users) -> Result<Recipients> {
    let recipients = Recipients::query(users);
    if store.pools.application.is_none() {
        return Ok(recipients);
    }
    let kind = store.schema.user_id;
    let chunks = recipients.into_chunks(store.backend, kind, batch::size(kind))?;
    let limits = store.broadcast_limits();
    let collected = timeout_at(limits.deadline, batch::collect(chunks)).await;
    collected.map_err(|_| limits.timeout_error())?
}

/// Reports the progress of an add that has ended.
pub(super) fn report(delivered: u64, on_progress: Option<Progress>) -> u64 {
    if let Some(mut report) = on_progress {
        report(delivered);
    }
    delivered
}
