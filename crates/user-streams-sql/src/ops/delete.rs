//! Deleting a stream.

use std::sync::Arc;

use sea_orm::Value;
use user_streams_core::{Result, backend::DeleteStream};

use super::Store;
use crate::pool::{Executor, end_transaction};

/// Deletes all items of a user and returns their number.
pub(crate) async fn delete(store: &Arc<Store>, args: DeleteStream) -> Result<u64> {
    let user = store.user(&args.user)?;
    let work = |executor| write(executor, Arc::clone(store), user.clone());
    store.write(store.call_limits(), work).await
}

pub(super) async fn write(
    mut executor: Box<dyn Executor + '_>,
    store: Arc<Store>,
    user: Value,
) -> Result<u64> {
    let sql = &store.statements.delete;
    if executor.autocommits() {
        return executor.execute(sql, vec![user]).await;
    }
    executor.begin().await?;
    let deleted = executor.execute(sql, vec![user]).await;
    end_transaction(&mut *executor, deleted).await
}
