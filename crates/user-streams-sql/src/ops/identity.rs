//! The id of the streams' database, which shows whether a transaction is on the same database.

use std::{sync::Arc, time::Duration};

use tokio::time::timeout;
use user_streams_core::{Error, ErrorKind, Result};

use super::store::{Identity, Store};
use crate::{error::from_db, pool::Executor};

/// How long to wait for a connection of the application's pool.
const ACQUIRE_LIMIT: Duration = Duration::from_secs(1);

/// Reads the id once. `None` if that would wait for a connection of the application's pool, which
/// may be the one that the transaction has.
pub(crate) async fn identity(store: &Arc<Store>) -> Result<Option<&Identity>> {
    if store.identity.get().is_none() && store.pools.is_exhausted() {
        return Ok(None);
    }
    let read = || async {
        let work = |executor| read(executor, Arc::clone(store));
        store.read(store.call_limits(), work).await
    };
    let identity = store.identity.get_or_try_init(read);
    if store.pools.application.is_none() {
        return identity.await.map(Some);
    }
    timeout(ACQUIRE_LIMIT, identity).await.map_or(Ok(None), |identity| identity.map(Some))
}

async fn read(mut executor: Box<dyn Executor>, store: Arc<Store>) -> Result<Identity> {
    let rows = executor.query(&store.statements.identity, Vec::new()).await?;
    let row = rows.first().ok_or_else(|| {
        let table = store.schema.identity_table();
        let message = format!("the table {table} is empty: it has the id of the database");
        Error::new(ErrorKind::Corrupt, message)
    })?;
    let id = row.get(0).map_err(from_db)?;
    Ok(Identity { id, max_packet: executor.max_packet() })
}
