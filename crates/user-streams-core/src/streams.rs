//! The handle that an application works with.

use std::{any::Any, sync::Arc};

use crate::{
    Add, DEFAULT_MAX_CONTENT_LEN, InTransaction, IntoRecipients, NewItem, Result, Settings,
    StreamItems, ToUserId,
    backend::{Backend, Capabilities, DeleteStream, Registry, RepairStream},
    handle::{Handle, TransactionHandle},
    observe::Operation,
};

/// The streams of all users in one backend. A clone is cheap and shares it.
///
/// ```
/// # use user_streams_core::{Settings, Streams};
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let streams = Streams::connect(Settings::new("memory://")).await?;
/// streams.migrate().await?;
/// streams.add_stream_item([42, 43], "Hello").await?;
/// assert_eq!(streams.get_stream_items(42).count().await?, 1);
/// # Ok::<(), user_streams_core::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct Streams(Handle);

impl Streams {
    /// Connects to the backend that the settings name, out of those that are linked into this
    /// program.
    ///
    /// # Errors
    /// Those of [`Registry::connect`].
    pub async fn connect(settings: Settings) -> Result<Self> {
        Self::connect_with(&Registry::linked(), settings).await
    }

    /// Connects to the backend that the settings name, out of those of an explicit registry.
    ///
    /// # Errors
    /// Those of [`Registry::connect`].
    pub async fn connect_with(registry: &Registry, settings: Settings) -> Result<Self> {
        let backend = registry.connect(&settings).await?;
        Ok(Self(Handle::new(backend, settings.use_utc(), settings.max_content_len())))
    }

    /// The streams of a backend that the application has made itself, with the default settings.
    pub fn from_backend(backend: impl Backend) -> Self {
        Self(Handle::new(Arc::new(backend), false, DEFAULT_MAX_CONTENT_LEN))
    }

    /// The same backend with timestamps shown in UTC, or in the server's local offset.
    #[must_use]
    pub fn with_use_utc(mut self, use_utc: bool) -> Self {
        self.0.use_utc = use_utc;
        self
    }

    /// The same backend with another limit of the content, in bytes.
    #[must_use]
    pub fn with_max_content_len(mut self, max_content_len: usize) -> Self {
        self.0.max_content_len = max_content_len;
        self
    }

    /// Puts an item into the stream of one user, of many, or of every user of a query, when
    /// awaited.
    ///
    /// See [`Add`] for what can be set, what comes back and the errors.
    pub fn add_stream_item(
        &self,
        recipients: impl IntoRecipients,
        content: impl Into<NewItem>,
    ) -> Add<'static> {
        Add::on(Some(self.0.clone()), recipients.into_recipients(), content.into())
    }

    /// The stream of a user, newest first. No I/O is done until it is asked for items or their
    /// number.
    pub fn get_stream_items(&self, user: impl ToUserId) -> StreamItems {
        StreamItems::new(Some(self.0.clone()), user.to_user_id())
    }

    /// Creates or upgrades what the backend's storage needs. Safe to call at every start, from many
    /// processes at once.
    ///
    /// # Errors
    /// `Unsupported` if the backend has nothing of the kind; else those of the storage.
    pub async fn migrate(&self) -> Result<()> {
        self.0.call(Operation::Migrate).run(self.0.backend().migrate()).await
    }

    /// Deletes a user's stream, such as when the user is deleted, and returns how many items it
    /// had.
    ///
    /// # Errors
    /// `Unsupported` if the backend cannot; `InvalidUserId`; else those of the storage.
    pub fn delete_stream(
        &self,
        user: impl ToUserId,
    ) -> impl Future<Output = Result<u64>> + Send + 'static {
        let (handle, user) = (self.0.clone(), user.to_user_id());
        async move {
            let call = handle.call(Operation::DeleteStream).of(&user);
            let deleted = async {
                handle.check(&user)?;
                handle.backend().delete_stream(DeleteStream::new(user)).await
            };
            call.run(deleted).await
        }
    }

    /// Deletes what cannot be read from a user's stream, which an error of the kind `Corrupt` has
    /// named, and returns how many there were. What can be read stays.
    ///
    /// # Errors
    /// `Unsupported` if the backend cannot; `InvalidUserId`; else those of the storage.
    pub fn repair_stream(
        &self,
        user: impl ToUserId,
    ) -> impl Future<Output = Result<u64>> + Send + 'static {
        let (handle, user) = (self.0.clone(), user.to_user_id());
        async move {
            let call = handle.call(Operation::RepairStream).of(&user);
            let deleted = async {
                handle.check(&user)?;
                handle.backend().repair_stream(RepairStream::new(user)).await
            };
            call.run(deleted).await
        }
    }

    /// The streams within a transaction of the application's own: what is written there commits or
    /// rolls back with it. On the SQL backends that is a `sea_orm::DatabaseTransaction` on the same
    /// database, whether they were connected by a URL or made over the application's pool.
    ///
    /// Await each call before the next statement on the transaction; after a `Timeout`, roll it
    /// back.
    ///
    /// # Errors
    /// `Unsupported` if the backend is not a SQL database; `InvalidArgument` if `transaction` is
    /// not one of its kind of database. That it is of another database is told by the first write,
    /// before anything is written.
    pub fn in_transaction<'a, T: Any + Send + Sync>(
        &'a self,
        transaction: &'a T,
    ) -> Result<InTransaction<'a>> {
        InTransaction::new(TransactionHandle { handle: &self.0, transaction })
    }

    /// Deletes stored contents that no stream refers to any more, and returns how many there were.
    ///
    /// # Errors
    /// `Unsupported` if the backend never has any; else those of the storage.
    pub async fn purge(&self) -> Result<u64> {
        self.0.call(Operation::Purge).run(self.0.backend().purge()).await
    }

    /// Whether the storage answers, for a health check. It takes a second or two at the most on the
    /// backends of this project, waiting for a connection included.
    ///
    /// # Errors
    /// Those of the storage.
    pub async fn ping(&self) -> Result<()> {
        self.0.call(Operation::Ping).run(self.0.backend().ping()).await
    }

    /// Closes the backend's connections. Nothing may be called after it.
    ///
    /// # Errors
    /// Those of the storage.
    pub async fn close(&self) -> Result<()> {
        self.0.call(Operation::Close).run(self.0.backend().close()).await
    }

    /// What the backend is called and what it can do.
    pub fn capabilities(&self) -> Capabilities {
        self.0.backend().capabilities()
    }

    /// The backend, if it is of this type or decorates one, for what that type alone has: a
    /// `RedisBackend`'s servers, the pool of a `SingleTableBackend`.
    pub fn downcast_ref<B: Backend>(&self) -> Option<&B> {
        self.0.backend().downcast_ref()
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.0
    }
}
