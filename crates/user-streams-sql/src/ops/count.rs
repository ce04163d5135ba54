//! Counting a stream.

use std::sync::Arc;

use user_streams_core::{Result, backend::CountQuery};

use super::Store;
use crate::{error::from_db, pool::Executor};

/// The number of a user's items.
pub(crate) async fn count(store: &Arc<Store>, query: CountQuery) -> Result<u64> {
    let user = store.user(&query.user)?;
    let read = {
        let store = Arc::clone(store);
        |mut executor: Box<dyn Executor>| async move {
            executor.query(&store.statements.count, vec![user]).await
        }
    };
    let rows = store.read(store.call_limits(), read).await?;
    let count: Option<i64> =
        rows.first().map(|row| row.try_get_by_index(0).map_err(from_db)).transpose()?;
    Ok(count.and_then(|count| count.try_into().ok()).unwrap_or_default())
}
