//! The handle that an application works with.

use std::{any::Any, sync::Arc};

use chrono::{DateTime, FixedOffset};

use crate::{
    Add, Backend, Capabilities, DEFAULT_MAX_CONTENT_LEN, DeleteStream, InTransaction,
    IntoRecipients, NewItem, Registry, Result, Settings, StreamItem, StreamItems, ToUserId, UserId,
    time,
};

/// The streams of all users in one backend. A clone is cheap and shares it.
///
/// ```
/// # use user_streams_core::{Settings, Streams};
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let streams = Streams::connect(Settings::new("memory://")).await?;
/// streams.migrate().await?;
/// streams.add_stream_item([42, 43], "Hello").await?;
/// assert_eq!(streams.get_stream_items(42).len().await?, 1);
/// # Ok::<(), user_streams_core::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct Streams {
    backend: Arc<dyn Backend>,
    use_utc: bool,
    max_content_len: usize,
}

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
        Ok(Self {
            backend,
            use_utc: settings.use_utc(),
            max_content_len: settings.max_content_len(),
        })
    }

    /// The streams of a backend that the application has made itself, with the default settings.
    pub fn from_backend(backend: impl Backend) -> Self {
        Self {
            backend: Arc::new(backend),
            use_utc: false,
            max_content_len: DEFAULT_MAX_CONTENT_LEN,
        }
    }

    /// The same backend with timestamps shown in UTC, or in the server's local offset.
    #[must_use]
    pub fn with_use_utc(mut self, use_utc: bool) -> Self {
        self.use_utc = use_utc;
        self
    }

    /// The same backend with another limit of the content, in bytes.
    #[must_use]
    pub fn with_max_content_len(mut self, max_content_len: usize) -> Self {
        self.max_content_len = max_content_len;
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
        Add::new(Some(self.clone()), recipients.into_recipients(), content.into())
    }

    /// The stream of a user, newest first. No I/O is done until it is asked for items or their
    /// number.
    pub fn get_stream_items(&self, user: impl ToUserId) -> StreamItems {
        StreamItems::new(Some(self.clone()), user.to_user_id())
    }

    /// Creates or upgrades what the backend's storage needs. Safe to call at every start, from many
    /// processes at once.
    ///
    /// # Errors
    /// `Unsupported` if the backend has nothing of the kind; else those of the storage.
    pub async fn migrate(&self) -> Result<()> {
        self.named("migrate", self.backend.migrate().await)
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
        let (streams, user) = (self.clone(), user.to_user_id());
        async move {
            let deleted = match streams.check(&user) {
                Ok(()) => streams.backend.delete_stream(DeleteStream::new(user)).await,
                Err(error) => Err(error),
            };
            streams.named("delete_stream", deleted)
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
        InTransaction::new(self, transaction)
    }

    /// Deletes stored contents that no stream refers to any more, and returns how many there were.
    ///
    /// # Errors
    /// `Unsupported` if the backend never has any; else those of the storage.
    pub async fn purge(&self) -> Result<u64> {
        self.named("purge", self.backend.purge().await)
    }

    /// Closes the backend's connections. Nothing may be called after it.
    ///
    /// # Errors
    /// Those of the storage.
    pub async fn close(&self) -> Result<()> {
        self.named("close", self.backend.close().await)
    }

    /// What the backend is called and what it can do.
    pub fn capabilities(&self) -> Capabilities {
        self.backend.capabilities()
    }

    /// The backend itself.
    pub fn backend(&self) -> &Arc<dyn Backend> {
        &self.backend
    }

    pub(crate) fn max_content_len(&self) -> usize {
        self.max_content_len
    }

    pub(crate) fn check(&self, user: &UserId) -> Result<()> {
        user.check(self.capabilities().user_id())
    }

    /// The result with the backend and the operation named in its error.
    pub(crate) fn named<T>(&self, operation: &'static str, result: Result<T>) -> Result<T> {
        result.map_err(|error| {
            error.with_backend(self.capabilities().backend()).with_operation(operation)
        })
    }

    pub(crate) fn show(&self, mut items: Vec<StreamItem>) -> Vec<StreamItem> {
        let show = |at: DateTime<FixedOffset>| time::show(at, self.use_utc);
        items.iter_mut().for_each(|item| item.created_at = show(item.created_at));
        items
    }
}
