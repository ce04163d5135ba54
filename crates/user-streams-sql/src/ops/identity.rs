//! The id of the streams' database, by which a transaction on another one is known.

use std::{sync::Arc, time::Duration};

use tokio::time::timeout;
use user_streams_core::{Error, ErrorKind, Result};

use super::Store;
use crate::{
    error::from_db,
    pool::{Access, Executor},
};

/// How long to wait for a connection of the application's pool.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is known of the streams' database.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(super) id: String,
    pub(super) max_packet: usize,
}

/// Asks the database, once. `None` where that would wait for a connection of the application's
/// pool, which may be the one that the transaction has.
pub(crate) async fn identity(store: &Arc<Store>) -> Result<Option<&Identity>> {
    if store.identity.get().is_none() && store.pools.is_exhausted() {
        return Ok(None);
    }
    let read = || async {
        let work = |on| read(on, Arc::clone(store));
        store.pools.run(Access::Read, store.call(), work).await
    };
    let identity = store.identity.get_or_try_init(read);
    if store.pools.of_application().is_none() {
        return identity.await.map(Some);
    }
    timeout(PATIENCE, identity).await.map_or(Ok(None), |identity| identity.map(Some))
}

async fn read(mut on: Box<dyn Executor>, store: Arc<Store>) -> Result<Identity> {
    let rows = on.query(&store.statements.identity, Vec::new()).await?;
    let row = rows.first().ok_or_else(|| {
        let table = store.schema.identity_table();
        Error::new(
            ErrorKind::Corrupt,
            format!("the table {table} is empty: it has the id of the database"),
        )
    })?;
    Ok(Identity { id: row.try_get_by_index(0).map_err(from_db)?, max_packet: on.max_packet() })
}
