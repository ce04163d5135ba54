//! Deleting a stream, or a part of it.

use std::sync::Arc;

use user_streams_core::{
    Result,
    backend::{DeleteRange, DeleteStream},
};

use super::{Store, rows::key, statement::Bound};
use crate::dialect::values;

/// Deletes all items of a user and returns their number.
pub(crate) async fn delete(store: &Arc<Store>, args: DeleteStream) -> Result<u64> {
    stream(store, &args)?.run(store).await
}

/// Deletes the items between two places and returns their number.
pub(crate) async fn delete_range(store: &Arc<Store>, args: DeleteRange) -> Result<u64> {
    range(store, &args)?.run(store).await
}

pub(super) fn stream(store: &Store, args: &DeleteStream) -> Result<Bound> {
    Ok(Bound::new(&store.statements.delete, vec![store.user(&args.user)?]))
}

pub(super) fn range(store: &Store, args: &DeleteRange) -> Result<Bound> {
    let statements = &store.statements.delete_range;
    let sql = match (args.newer_than, args.older_than) {
        (None, None) => &store.statements.delete,
        (Some(_), None) => &statements.newer,
        (None, Some(_)) => &statements.older,
        (Some(_), Some(_)) => &statements.between,
    };
    let mut values = vec![store.user(&args.user)?];
    for place in [args.newer_than, args.older_than].into_iter().flatten() {
        values.extend(values::keyset(store.dialect(), key(place)));
    }
    Ok(Bound::new(sql, values))
}
