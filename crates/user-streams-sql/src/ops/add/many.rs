//! Adding to a list of users, or to a stream of them.

use std::sync::Arc;

use user_streams_core::{
    NewItem, Result, UserId,
    backend::{Chunk, Progress, RecipientChunks},
};

use super::{
    deliver::{Scope, deliver_to_many, end_delivery},
    item::insert_item,
};
use crate::{
    dialect::{MIN_COPIED_ROWS, values},
    error::is_unique_violation,
    live::{self, Note},
    ops::{
        batch,
        store::{Store, item_key, room_for_ids},
    },
    pool::{Access, Executor, Limits},
    schema::WithDeliveries,
};

/// To a list of users.
pub(super) async fn add(
    store: &Arc<Store>,
    users: Vec<UserId>,
    item: &Arc<NewItem>,
) -> Result<u64> {
    let users: Arc<[UserId]> = users.into();
    let work = |executor| write(executor, Arc::clone(store), Arc::clone(&users), Arc::clone(item));
    store.write(store.call_limits(), work).await
}

/// By one statement that commits by itself, if that is possible; else in a transaction.
pub(in crate::ops) async fn write(
    mut executor: Box<dyn Executor + '_>,
    store: Arc<Store>,
    users: Arc<[UserId]>,
    item: Arc<NewItem>,
) -> Result<u64> {
    let (executor, store, item) = (&mut *executor, &*store, &*item);
    let room = room_for_ids(executor.max_packet(), item)?;
    let note = store.note(Some(&users), item);
    let needs_transaction = note.as_ref().is_some_and(Note::needs_transaction);
    match &store.statements.items {
        None if executor.autocommits()
            && !needs_transaction
            && batch::split(store.dialect(), &users, room).len() == 1 =>
        {
            return deliver_to_many(executor, store, Scope::Statement, &users, item).await;
        }
        Some(items) if executor.autocommits() && users.len() < MIN_COPIED_ROWS => {
            if let Some(with_deliveries) = &items.with_deliveries {
                let mut values = item_key(item);
                let users = values::users(store.dialect(), store.schema.user_id, &users);
                values.extend([item.content().into(), users]);
                let WithDeliveries { with, many, .. } = with_deliveries;
                match live::execute_with(executor, with, many, values, note.as_ref()).await {
                    // The item exists.
                    Err(error) if is_unique_violation(&error) => {}
                    delivered => return delivered,
                }
            }
        }
        _ => {}
    }
    executor.begin().await?;
    let delivered = match insert_item(executor, store, item).await {
        Ok(()) => deliver_to_many(executor, store, Scope::Transaction, &users, item).await,
        Err(error) => Err(error),
    };
    end_delivery(executor, delivered).await
}

/// To users who come in several chunks, in one transaction. It is not retried, since the chunks can
/// be read only once.
pub(super) async fn add_stream(
    store: &Arc<Store>,
    limits: Limits,
    first: Chunk,
    chunks: RecipientChunks,
    item: Arc<NewItem>,
    on_progress: Option<Progress>,
) -> Result<u64> {
    let work =
        |executor| write_stream(executor, Arc::clone(store), first, chunks, item, on_progress);
    store.pools.run(Access::Write, limits, work).await
}

async fn write_stream(
    mut executor: Box<dyn Executor>,
    store: Arc<Store>,
    first: Chunk,
    mut chunks: RecipientChunks,
    item: Arc<NewItem>,
    on_progress: Option<Progress>,
) -> Result<u64> {
    let mut report = on_progress.unwrap_or_else(|| Box::new(|_| {}));
    executor.begin().await?;
    let delivered =
        deliver_chunks(&mut *executor, &store, first, &mut chunks, &item, &mut report).await;
    let delivered = end_delivery(&mut *executor, delivered).await?;
    report(delivered);
    Ok(delivered)
}

async fn deliver_chunks(
    executor: &mut dyn Executor,
    store: &Store,
    first: Chunk,
    chunks: &mut RecipientChunks,
    item: &NewItem,
    report: &mut Progress,
) -> Result<u64> {
    insert_item(executor, store, item).await?;
    let scope = Scope::Transaction;
    let mut delivered = deliver_to_many(executor, store, scope, &first.users, item).await?;
    let mut last = first.last;
    let timeout = store.pools.timeouts.recipients;
    while !last && let Some(chunk) = batch::next_within(chunks, timeout).await? {
        report(delivered);
        delivered += deliver_to_many(executor, store, scope, &chunk.users, item).await?;
        last = chunk.last;
    }
    Ok(delivered)
}
