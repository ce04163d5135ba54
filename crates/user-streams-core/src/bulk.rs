//! Many items to many users.

use crate::{
    NewItem, Result, UserId,
    backend::{AddStreamItem, Backend, BulkAdd, Capability},
};

/// Puts each item into the stream of its user, one by one where the backend has no better way, and
/// returns how many were not there.
pub(crate) async fn add(backend: &dyn Backend, rows: Vec<(UserId, NewItem)>) -> Result<u64> {
    if backend.capabilities().has(Capability::BulkAdd) {
        return backend.bulk_add(BulkAdd::new(rows)?).await;
    }
    let mut added = 0;
    for (user, item) in rows {
        added += backend.add_stream_item(AddStreamItem::new(user, item)?).await?.delivered;
    }
    Ok(added)
}
