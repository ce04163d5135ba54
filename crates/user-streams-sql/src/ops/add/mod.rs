//! Adding an item: to one user, to a list or a stream of users, or to the users of a query.

mod deliver;
mod item;
pub(super) mod many;
mod one;
pub(super) mod query;

use std::sync::Arc;

use user_streams_core::{
    Result,
    backend::{AddStreamItem, Progress},
};

pub(super) use self::deliver::end_delivery;
use super::{Store, recipients::Target};
use crate::pool::runtime;

/// Adds an item; each of its recipients receives it once.
pub(crate) async fn add(store: &Arc<Store>, args: AddStreamItem) -> Result<u64> {
    runtime()?;
    let (recipients, item, on_progress) = args.into_parts();
    store.check_content_length(&item)?;
    let item = Arc::new(item);
    let limits = store.broadcast_limits();
    // No connection is taken before there is something to write.
    let delivered = match Target::of(store, limits, recipients).await? {
        Target::Nobody => 0,
        Target::List(users) => match &users[..] {
            [user] => one::add(store, user.clone(), &item).await?,
            _ => many::add(store, users, &item).await?,
        },
        Target::Stream(first, chunks) => {
            return many::add_stream(store, limits, first, chunks, item, on_progress).await;
        }
        Target::Query(select) => query::add(store, &select, &item).await?,
    };
    Ok(report(delivered, on_progress))
}

/// Reports the progress of an add that has ended.
pub(super) fn report(delivered: u64, on_progress: Option<Progress>) -> u64 {
    if let Some(mut report) = on_progress {
        report(delivered);
    }
    delivered
}
