//! An item's way to its recipients: to one user, to many, or to all of a query.

use std::sync::Arc;

use user_streams_core::{AddStreamItem, Progress, Recipients, Result};

use super::{Store, add_many, add_one, add_query, batch};
use crate::{Users, pool::runtime};

/// Adds an item; each of its recipients receives it once.
pub(crate) async fn add(store: &Arc<Store>, args: AddStreamItem) -> Result<u64> {
    runtime()?;
    let (recipients, item, on_progress) = args.into_parts();
    store.check_column(&item)?;
    let item = Arc::new(item);
    let recipients = match recipients.query_as::<Users>() {
        Ok(users) => match users.own() {
            Ok(select) => {
                let delivered = add_query::add(store, &select, &item).await?;
                return Ok(done(delivered, on_progress));
            }
            Err(elsewhere) => of_another_database(store, elsewhere).await?,
        },
        Err(recipients) => recipients,
    };
    let limits = store.broadcast();
    let kind = store.schema.user_id;
    let mut chunks = recipients.into_chunks(store.backend, kind, batch::size(kind))?;
    // Nothing is held before there is something to write.
    let first = tokio::time::timeout_at(limits.until, batch::next(&mut chunks)).await;
    let Some(first) = first.map_err(|_| limits.expired())?? else {
        return Ok(done(0, on_progress));
    };
    let delivered = match (&first.users[..], first.last) {
        ([user], true) => add_one::add(store, user.clone(), &item).await?,
        (_, true) => add_many::add(store, first.users, &item).await?,
        (_, false) => {
            return add_many::add_stream(store, limits, first, chunks, item, on_progress).await;
        }
    };
    Ok(done(delivered, on_progress))
}

/// The users of a query of another database. That may be the pool that the backend writes to: of
/// one connection it would wait for itself if it were still reading.
async fn of_another_database(store: &Store, users: Users) -> Result<Recipients> {
    let recipients = Recipients::query(users);
    if store.pools.of_application().is_none() {
        return Ok(recipients);
    }
    let kind = store.schema.user_id;
    let chunks = recipients.into_chunks(store.backend, kind, batch::size(kind))?;
    let limits = store.broadcast();
    let gathered = tokio::time::timeout_at(limits.until, batch::gather(chunks)).await;
    gathered.map_err(|_| limits.expired())?
}

pub(super) fn done(delivered: u64, on_progress: Option<Progress>) -> u64 {
    if let Some(mut report) = on_progress {
        report(delivered);
    }
    delivered
}
