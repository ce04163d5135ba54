//! Deleting a stream.

use std::sync::Arc;

use sea_orm::Value;
use user_streams_core::{DeleteStream, Result};

use super::{Store, retry::retry};
use crate::pool::{Executor, finish};

/// Deletes all items of a user and returns their number.
pub(crate) async fn delete(store: &Arc<Store>, args: DeleteStream) -> Result<u64> {
    let user = store.user(&args.user)?;
    retry(store, store.call(), None, |on| write(on, Arc::clone(store), user.clone())).await
}

pub(super) async fn write(
    mut on: Box<dyn Executor + '_>,
    store: Arc<Store>,
    user: Value,
) -> Result<u64> {
    let sql = &store.statements.delete;
    if on.commits_alone() {
        return on.execute(sql, vec![user]).await;
    }
    on.begin().await?;
    let deleted = on.execute(sql, vec![user]).await;
    finish(&mut *on, deleted).await
}
