//! Storing the item itself, where it has a table of its own.

use sea_orm::QueryResult;
use user_streams_core::{Error, ErrorKind, NewItem, Result};

use super::{
    Store,
    deliver::insert_one,
    store::{item_key, room_for_users},
};
use crate::{error::from_db, pool::Executor};

/// How often an item may be purged between being found and being held.
const TRIES: u32 = 5;

/// Stores the item unless it is there, and holds it until the transaction ends.
pub(super) async fn put_item(on: &mut dyn Executor, store: &Store, item: &NewItem) -> Result<()> {
    let Some(items) = &store.statements.items else { return Ok(()) };
    room_for_users(on.max_packet(), item)?;
    let key = item_key(item);
    let values = [key.clone(), vec![item.content().into()]].concat();
    for _ in 0..TRIES {
        let insert = if on.may_fail() { &items.insert } else { &items.insert_ignore };
        if insert_one(on, insert, values.clone()).await? == 1 {
            return Ok(());
        }
        // A retry finds its own item, and holds it against a `purge`; where a purge was faster it
        // is stored anew.
        if on.can_query() {
            match on.query(&items.select, key.clone()).await?.first().map(content).transpose()? {
                Some(stored) if stored == item.content() => return Ok(()),
                Some(_) => break,
                None => {}
            }
        } else if on.execute(&items.hold, values.clone()).await? == 1 {
            return Ok(());
        }
    }
    // Another content under this key must not reach these recipients, nor be replaced.
    let message = format!(
        "another item has the id {} and the same `created_at`; nothing was stored",
        item.id()
    );
    Err(Error::new(ErrorKind::Conflict, message).with_retryable(false))
}

fn content(row: &QueryResult) -> Result<String> {
    row.try_get_by_index(0).map_err(from_db)
}
