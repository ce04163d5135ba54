//! Core's `Backend`; each operation is in a file of `ops`.

use std::{
    any::Any,
    collections::HashMap,
    marker::PhantomData,
    sync::{Arc, Mutex, PoisonError},
};

use sea_orm::{DatabaseConnection, DatabaseTransaction};
use user_streams_core::{
    Cursor, Delivery, Error, ErrorKind, Name, Result, StreamItem, UserId, UserIdKind,
    backend::{
        AddStreamItem, Backend, BulkAdd, Capabilities, Capability, Contains, CountNewer,
        CountQuery, DeleteRange, DeleteStream, Hints, ListNewer, ListUsers, MarkQuery, MergedPart,
        MergedQuery, RemoveStreamItem, RepairStream, SetMark, StreamQuery, UsersPage, Writes,
        async_trait,
    },
};

use crate::{
    Layout, SqlConfig,
    ops::{self, Store},
    pool::{self, Pools},
};

type Feeds = Mutex<HashMap<Name, Arc<Store>>>;

/// A SQL backend of one layout, named by the backend crates: `SingleTableBackend`,
/// `ManyToManyBackend`.
#[derive(Debug)]
pub struct SqlBackend<L> {
    store: Arc<Store>,
    /// The feeds that were asked for, whose adds are grouped and whose database is checked as those
    /// of one store; a feed itself has none.
    feeds: Option<Arc<Feeds>>,
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
        Ok(Self { store: Arc::new(store), feeds: Some(Arc::default()), layout: PhantomData })
    }

    /// Streams of this store, and of the feeds that were asked for.
    fn parts(&self, parts: &[MergedPart]) -> Result<Vec<ops::Part>> {
        let of_feed = |name: &Name| {
            let feeds = self.feeds.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
            feeds.get(name).cloned()
        };
        let part = |part: &MergedPart| {
            let store = match &part.feed {
                None => Some(Arc::clone(&self.store)),
                Some(name) => of_feed(name),
            };
            let store = store.ok_or_else(|| {
                let feed = part.feed.as_ref().map_or("", Name::as_str);
                let message = format!(
                    "`{feed}` is no feed of this backend, or `feed` has not been called for it yet"
                );
                Error::new(ErrorKind::InvalidArgument, message)
            })?;
            ops::Part::new(store, part.clone())
        };
        parts.iter().map(part).collect()
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
            .with(Capability::RepairStream)
            .with(Capability::RemoveStreamItem)
            .with(Capability::DeleteRange)
            .with(Capability::CountNewer)
            .with(Capability::Contains)
            .with(Capability::BulkAdd)
            .with(Capability::ListUsers)
            .with(Capability::ListNewer)
            .with(Capability::Marks)
            .with(Capability::GetMerged);
        let capabilities =
            if self.feeds.is_some() { capabilities.with(Capability::Feeds) } else { capabilities };
        let capabilities =
            if self.store.tells() { capabilities.with(Capability::Watch) } else { capabilities };
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

    async fn remove_stream_item(&self, args: RemoveStreamItem) -> Result<u64> {
        ops::remove(&self.store, args).await
    }

    async fn delete_range(&self, args: DeleteRange) -> Result<u64> {
        ops::delete_range(&self.store, args).await
    }

    async fn count_newer(&self, query: CountNewer) -> Result<u64> {
        ops::count_newer(&self.store, query).await
    }

    async fn contains(&self, query: Contains) -> Result<Vec<bool>> {
        ops::contains(&self.store, query).await
    }

    async fn bulk_add(&self, args: BulkAdd) -> Result<u64> {
        ops::bulk_add(&self.store, args).await
    }

    async fn list_users(&self, query: ListUsers) -> Result<UsersPage> {
        ops::list_users(&self.store, query).await
    }

    async fn list_newer(&self, query: ListNewer) -> Result<Vec<(UserId, Cursor)>> {
        ops::list_newer(&self.store, query).await
    }

    async fn mark(&self, query: MarkQuery) -> Result<Option<Cursor>> {
        ops::mark(&self.store, query).await
    }

    async fn set_mark(&self, args: SetMark) -> Result<bool> {
        ops::set_mark(&self.store, args).await
    }

    async fn get_merged(&self, query: MergedQuery) -> Result<Vec<StreamItem>> {
        let parts = self.parts(&query.parts)?;
        let less = self.parts(&query.less)?;
        ops::merged(&self.store, &parts, less, &query).await
    }

    fn feed(&self, name: &Name, user_id: UserIdKind) -> Result<Arc<dyn Backend>> {
        let Some(feeds) = &self.feeds else { return Err(Error::unsupported(L::NAME, "feed")) };
        let mut feeds = feeds.lock().unwrap_or_else(PoisonError::into_inner);
        let store = match feeds.get(name) {
            Some(store) => Arc::clone(store),
            None => {
                let store = Arc::new(self.store.feed::<L>(name, user_id)?);
                feeds.insert(name.clone(), Arc::clone(&store));
                store
            }
        };
        let kind = store.schema.user_id;
        if kind != user_id {
            let message = format!("the feed `{name}` has ids of the kind {kind}, not {user_id}");
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        Ok(Arc::new(Self { store, feeds: None, layout: PhantomData }))
    }

    #[cfg(feature = "postgres")]
    async fn watch(&self) -> Result<Hints> {
        let feeds = self.feeds.clone();
        let names = move || {
            let lock = |feeds: &Arc<Feeds>| {
                feeds.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
            };
            feeds.as_ref().map(lock).unwrap_or_default()
        };
        ops::watch(&self.store, names).await
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
        match &self.feeds {
            Some(_) => self.store.pools.close().await,
            // The connections are those of the main streams.
            None => Ok(()),
        }
    }
}
