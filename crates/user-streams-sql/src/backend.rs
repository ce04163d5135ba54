//! Core's `Backend`; each operation is in a file of `ops`.

use std::{any::Any, marker::PhantomData, sync::Arc};

use sea_orm::{DatabaseConnection, DatabaseTransaction};
use user_streams_core::{
    Delivery, Error, ErrorKind, Result, StreamItem,
    backend::{
        AddStreamItem, Backend, Capabilities, Capability, CountQuery, DeleteStream, RepairStream,
        StreamQuery, Writes, async_trait,
    },
};

use crate::{
    Layout, SqlConfig,
    ops::{self, Store},
    pool::{self, Pools},
};

/// A SQL backend of one layout, named by the backend crates: `SingleTableBackend`,
/// `ManyToManyBackend`.
#[derive(Debug)]
pub struct SqlBackend<L> {
    store: Arc<Store>,
    layout: PhantomData<L>,
}

impl<L: Layout> SqlBackend<L> {
    /// Opens a pool. On SQLite it sets WAL mode, `synchronous` by the option, and foreign keys on;
    /// on MySQL autocommit, a strict `sql_mode` and READ COMMITTED; on a server the timeouts of a
    /// session.
    ///
    /// # Errors
    /// `InvalidSettings` for a malformed URL or option; `Connection`, `Timeout` or `Corrupt` if
    /// there is no usable database; `InvalidArgument` outside of a tokio runtime.
    pub async fn connect(config: SqlConfig) -> Result<Self> {
        let pools = pool::open(&config, L::NAME).await.map_err(named::<L>)?;
        Self::with_pools(pools, &config)
    }

    /// Uses the application's own pool, as it is set up. The URL and the size of the pool in the
    /// configuration are ignored.
    ///
    /// # Errors
    /// `InvalidSettings` for a malformed option.
    pub fn new(connection: DatabaseConnection, config: SqlConfig) -> Result<Self> {
        let pools = pool::over(connection, &config).map_err(named::<L>)?;
        Self::with_pools(pools, &config)
    }

    fn with_pools(pools: Pools, config: &SqlConfig) -> Result<Self> {
        let store = Store::new::<L>(pools, config).map_err(named::<L>)?;
        Ok(Self { store: Arc::new(store), layout: PhantomData })
    }

    /// The application's pool, if this was made over one by [`new`](Self::new).
    pub fn connection(&self) -> Option<&DatabaseConnection> {
        self.store.pools.application.as_ref()
    }
}

fn named<L: Layout>(error: Error) -> Error {
    error.with_backend(L::NAME)
}

#[async_trait]
impl<L: Layout> Backend for SqlBackend<L> {
    fn capabilities(&self) -> Capabilities {
        let capabilities = Capabilities::new(L::NAME, self.store.schema.user_id)
            .with_system(self.store.pools.system)
            .with(Capability::Migrate)
            .with(Capability::DeleteStream)
            .with(Capability::AtomicBroadcast)
            .with(Capability::Durable)
            .with(Capability::InTransaction)
            .with(Capability::RepairStream);
        if L::SEPARATE_ITEMS { capabilities.with(Capability::Purge) } else { capabilities }
    }

    async fn add_stream_item(&self, args: AddStreamItem) -> Result<Delivery> {
        let item = args.item().cursor();
        ops::add(&self.store, args).await.map(|delivered| Delivery::new(item, delivered))
    }

    async fn get_stream_items(&self, query: StreamQuery) -> Result<Vec<StreamItem>> {
        ops::page(&self.store, query).await
    }

    async fn count_stream_items(&self, query: CountQuery) -> Result<u64> {
        ops::count(&self.store, query).await
    }

    async fn migrate(&self) -> Result<()> {
        ops::migrate(&self.store, L::migrations).await?;
        // Now, since a transaction may later have the pool's only connection. If it fails, the
        // first transaction reads it.
        let _ = ops::identity(&self.store).await;
        Ok(())
    }

    async fn delete_stream(&self, args: DeleteStream) -> Result<u64> {
        ops::delete(&self.store, args).await
    }

    async fn repair_stream(&self, args: RepairStream) -> Result<u64> {
        ops::repair(&self.store, args).await
    }

    async fn purge(&self) -> Result<u64> {
        ops::purge(&self.store).await
    }

    fn in_transaction<'a>(
        &'a self,
        transaction: &'a (dyn Any + Send + Sync),
    ) -> Result<Box<dyn Writes + 'a>> {
        let Some(transaction) = transaction.downcast_ref::<DatabaseTransaction>() else {
            let message = "expected a `sea_orm::DatabaseTransaction` of the sea-orm that this \
                library is built with (2.0)";
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        };
        Ok(Box::new(ops::InTransaction::new(&self.store, transaction)?))
    }

    async fn ping(&self) -> Result<()> {
        ops::ping(&self.store).await
    }

    async fn close(&self) -> Result<()> {
        self.store.pools.close().await
    }
}
