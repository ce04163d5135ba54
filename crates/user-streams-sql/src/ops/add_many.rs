//! Adding to a list of users, or to a stream of them.

use std::sync::Arc;

use user_streams_core::{Chunk, NewItem, Progress, RecipientChunks, Result, UserId};

use super::{
    Store, batch,
    deliver::{Within, finish_delivery, to_many},
    item::put_item,
    retry::retry,
    store::{item_key, room_for_users},
};
use crate::{
    dialect::{LEAST_COPIED, values},
    error::is_unique_violation,
    pool::{Access, Executor, Limits},
};

/// To users who are all at hand.
pub(super) async fn add(
    store: &Arc<Store>,
    users: Vec<UserId>,
    item: &Arc<NewItem>,
) -> Result<u64> {
    let users: Arc<[UserId]> = users.into();
    let work = |on| write(on, Arc::clone(store), Arc::clone(&users), Arc::clone(item));
    retry(store, store.call(), None, work).await
}

pub(super) async fn write(
    mut on: Box<dyn Executor + '_>,
    store: Arc<Store>,
    users: Arc<[UserId]>,
    item: Arc<NewItem>,
) -> Result<u64> {
    let (on, store, item) = (&mut *on, &*store, &*item);
    let room = room_for_users(on.max_packet(), item)?;
    let one_statement =
        on.commits_alone() && batch::parts(store.dialect(), &users, room).len() == 1;
    match &store.statements.items {
        None if one_statement => return to_many(on, store, Within::Itself, &users, item).await,
        Some(items) if users.len() < LEAST_COPIED && on.commits_alone() => {
            if let Some(with_deliveries) = &items.with_deliveries {
                let mut values = item_key(item);
                let users = values::users(store.dialect(), store.schema.user_id, &users);
                values.extend([item.content().into(), users]);
                match on.execute(&with_deliveries.many, values).await {
                    // The item is there.
                    Err(error) if is_unique_violation(&error) => {}
                    delivered => return delivered,
                }
            }
        }
        _ => {}
    }
    on.begin().await?;
    let delivered = match put_item(on, store, item).await {
        Ok(()) => to_many(on, store, Within::Transaction, &users, item).await,
        Err(error) => Err(error),
    };
    finish_delivery(on, delivered).await
}

/// To users who come in several chunks, in one transaction. It is not tried again, since they come
/// only once.
pub(super) async fn add_stream(
    store: &Arc<Store>,
    limits: Limits,
    first: Chunk,
    chunks: RecipientChunks,
    item: Arc<NewItem>,
    on_progress: Option<Progress>,
) -> Result<u64> {
    let work = |on| write_stream(on, Arc::clone(store), first, chunks, item, on_progress);
    store.pools.run(Access::Write, limits, work).await
}

async fn write_stream(
    mut on: Box<dyn Executor>,
    store: Arc<Store>,
    first: Chunk,
    mut chunks: RecipientChunks,
    item: Arc<NewItem>,
    on_progress: Option<Progress>,
) -> Result<u64> {
    let mut report = on_progress.unwrap_or_else(|| Box::new(|_| {}));
    on.begin().await?;
    let delivered = deliver_all(&mut *on, &store, first, &mut chunks, &item, &mut report).await;
    let delivered = finish_delivery(&mut *on, delivered).await?;
    report(delivered);
    Ok(delivered)
}

async fn deliver_all(
    on: &mut dyn Executor,
    store: &Store,
    first: Chunk,
    chunks: &mut RecipientChunks,
    item: &NewItem,
    report: &mut Progress,
) -> Result<u64> {
    put_item(on, store, item).await?;
    let mut delivered = to_many(on, store, Within::Transaction, &first.users, item).await?;
    let mut last = first.last;
    while !last
        && let Some(chunk) = batch::next_within(chunks, store.pools.timeouts.recipients).await?
    {
        report(delivered);
        delivered += to_many(on, store, Within::Transaction, &chunk.users, item).await?;
        last = chunk.last;
    }
    Ok(delivered)
}
