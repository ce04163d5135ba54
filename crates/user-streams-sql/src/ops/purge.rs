//! Deleting the items that nobody has any more.

use std::sync::Arc;

use sea_orm::QueryResult;
use user_streams_core::{Error, Result};

use super::{Store, retry::retry};
use crate::{
    dialect::values,
    error::from_db,
    pool::{Executor, finish},
    schema::{ItemStatements, MOST_HELD},
};

/// Deletes the items without a delivery, and returns their number.
///
/// An add may find its item stored already, by an earlier try, and must not lose it to this. SQLite
/// has no other writer meanwhile. Elsewhere candidates are locked first, so that no add can begin
/// with one; then they are checked again, for an add that has ended; then they are deleted.
pub(crate) async fn purge(store: &Arc<Store>) -> Result<u64> {
    if store.statements.items.is_none() {
        return Err(Error::unsupported(store.backend, "purge"));
    }
    let limits = store.broadcast();
    let mut purged = 0;
    loop {
        let (deleted, more) =
            retry(store, limits, None, |on| purge_some(on, Arc::clone(store))).await?;
        purged += deleted;
        if !more {
            return Ok(purged);
        }
    }
}

/// How many were deleted, and whether there may be more.
async fn purge_some(mut on: Box<dyn Executor>, store: Arc<Store>) -> Result<(u64, bool)> {
    let Some(items) = &store.statements.items else { return Ok((0, false)) };
    let Some(hold) = &items.hold_orphans else {
        return on.execute(&items.purge, Vec::new()).await.map(|deleted| (deleted, false));
    };
    on.begin().await?;
    let deleted = delete_orphans(&mut *on, &store, hold, items).await;
    finish(&mut *on, deleted).await
}

async fn delete_orphans(
    on: &mut dyn Executor,
    store: &Store,
    hold: &str,
    items: &ItemStatements,
) -> Result<(u64, bool)> {
    let held = on.query(hold, Vec::new()).await?;
    let number = |row: &QueryResult, index| row.try_get_by_index(index).map_err(from_db);
    let held = held
        .iter()
        .map(|row| Ok((number(row, 0)?, number(row, 1)?)))
        .collect::<Result<Vec<_>>>()?;
    let deleted = on.execute(&items.purge, values::item_keys(store.dialect(), &held)).await?;
    // What comes meanwhile is for the next purge, or this one might never end.
    Ok((deleted, held.len() == MOST_HELD))
}
