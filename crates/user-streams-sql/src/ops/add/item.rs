//! Storing the item itself, if items have a table of their own.

use user_streams_core::{Error, ErrorKind, NewItem, Result};

use super::deliver::insert_ignore;
use crate::{
    ops::store::{Store, item_key, room_for_ids},
    pool::Executor,
    row::ResultRow,
};

/// How often an item may be purged between the insert that finds it and the lock.
const MAX_ATTEMPTS: u32 = 5;

/// Stores the item unless it exists, and locks it until the end of the transaction.
pub(super) async fn insert_item(
    executor: &mut dyn Executor,
    store: &Store,
    item: &NewItem,
) -> Result<()> {
    let Some(items) = &store.statements.items else { return Ok(()) };
    room_for_ids(executor.max_packet(), item)?;
    let key = item_key(item);
    let values = [key.clone(), vec![item.content().into()]].concat();
    for _ in 0..MAX_ATTEMPTS {
        let insert = if executor.tolerates_errors() { &items.insert } else { &items.insert_ignore };
        if insert_ignore(executor, insert, values.clone()).await? == 1 {
            return Ok(());
        }
        // A retry finds its own item, and locks it against a purge; if a purge was faster it is
        // inserted anew.
        if executor.can_query() {
            let rows = executor.query(&items.select_for_share, key.clone()).await?;
            match rows.first().map(|row| content(row, store, item)).transpose()? {
                Some(stored) if stored == item.content() => return Ok(()),
                Some(_) => break,
                None => {}
            }
        } else if executor.execute(&items.lock, values.clone()).await? == 1 {
            return Ok(());
        }
    }
    // Other content under this key must not reach these recipients, nor be replaced.
    let message = format!(
        "another item has the id {} and the same `created_at`; nothing was stored",
        item.id()
    );
    Err(Error::new(ErrorKind::Conflict, message).with_retryable(false))
}

/// The content of the stored item of the same key.
fn content(row: &ResultRow, store: &Store, item: &NewItem) -> Result<String> {
    row.get(0).map_err(|error| {
        let message = format!(
            "the row (created_at_us {}, id {}) of the table `{}` cannot be read, so that nothing \
             was stored: `repair_stream` for the users who have it, then `purge`, deletes it",
            item.created_at_us(),
            item.id(),
            store.schema.items_table()
        );
        Error::new(ErrorKind::Corrupt, message).with_source(error)
    })
}
