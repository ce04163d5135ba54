//! Deleting items without a delivery.

use std::sync::Arc;

use user_streams_core::{Error, Result};

use super::Store;
use crate::{
    dialect::item_keys,
    error::from_db,
    pool::{Executor, end_transaction},
    row::ResultRow,
    schema::{ItemStatements, PURGE_BATCH},
};

/// Deletes the items without a delivery, and returns their number.
///
/// A retried add may find its item stored by an earlier attempt, and must not lose it to a purge.
/// SQLite has no concurrent writer. Elsewhere a purge locks candidates, so that no add can begin
/// with one; checks them again, for an add that has ended meanwhile; and deletes them.
pub(crate) async fn purge(store: &Arc<Store>) -> Result<u64> {
    if store.statements.items.is_none() {
        return Err(Error::unsupported(store.backend, "purge"));
    }
    let limits = store.broadcast_limits();
    let mut purged = 0;
    loop {
        let work = |executor| purge_batch(executor, Arc::clone(store));
        let (deleted, has_more) = store.write(limits, work).await?;
        purged += deleted;
        if !has_more {
            return Ok(purged);
        }
    }
}

/// How many were deleted, and whether there may be more.
async fn purge_batch(mut executor: Box<dyn Executor>, store: Arc<Store>) -> Result<(u64, bool)> {
    let Some(items) = &store.statements.items else { return Ok((0, false)) };
    let Some(lock) = &items.lock_orphans else {
        return executor.execute(&items.purge, Vec::new()).await.map(|deleted| (deleted, false));
    };
    executor.begin().await?;
    let deleted = delete_orphans(&mut *executor, &store, lock, items).await;
    end_transaction(&mut *executor, deleted).await
}

async fn delete_orphans(
    executor: &mut dyn Executor,
    store: &Store,
    lock: &str,
    items: &ItemStatements,
) -> Result<(u64, bool)> {
    let rows = executor.query(lock, Vec::new()).await?;
    let get = |row: &ResultRow, index| row.get(index).map_err(from_db);
    let keys =
        rows.iter().map(|row| Ok((get(row, 0)?, get(row, 1)?))).collect::<Result<Vec<_>>>()?;
    let values = item_keys(store.dialect(), &keys);
    let deleted = executor.execute(&items.purge, values).await?;
    // After an incomplete batch it ends: new orphans are for the next purge.
    Ok((deleted, keys.len() == PURGE_BATCH))
}
