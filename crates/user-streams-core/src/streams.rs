//! The handle that an application works with.

use std::{any::Any, sync::Arc, time::Duration};

use crate::{
    Add, Cursor, DEFAULT_MAX_CONTENT_LEN, InTransaction, IntoRecipients, Name, NewItem, Result,
    Settings, StreamItems, ToUserId,
    backend::{Backend, Capabilities, DeleteStream, Registry, RemoveStreamItem, RepairStream},
    bulk,
    feeds::{Extras, Feeds},
    handle::{Handle, TransactionHandle},
    observe::Operation,
    served::{self, Served},
    settings::{Live, Retention},
    users,
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
        let feeds = Feeds::new(backend, settings.feeds(), settings.extras())?;
        let (use_utc, max_content_len) = (settings.use_utc(), settings.max_content_len());
        let mut handle = Handle::new(feeds, use_utc, max_content_len, settings.live_settings());
        handle.retention = settings.retention();
        Ok(Self(handle))
    }

    /// The streams of a backend that the application has made itself, with the default settings.
    pub fn from_backend(backend: impl Backend) -> Self {
        let feeds = Feeds::none(Arc::new(backend));
        Self(Handle::new(feeds, false, DEFAULT_MAX_CONTENT_LEN, Live::DEFAULT))
    }

    /// The same backend with these feeds; see [`Settings::with_feeds`].
    ///
    /// # Errors
    /// `InvalidSettings` if there can be none, or none of such a name.
    pub fn with_feeds<N: AsRef<str>>(self, names: impl IntoIterator<Item = N>) -> Result<Self> {
        Ok(Self(self.0.with_feeds(self.0.feeds.with_names(names)?)))
    }

    /// The same backend with or without single items that are read and unread; see
    /// [`Settings::with_item_marks`].
    ///
    /// # Errors
    /// `InvalidSettings` if the backend lacks what they are made of.
    pub fn with_item_marks(self, item_marks: bool) -> Result<Self> {
        self.with_extras(|extras| extras.item_marks = item_marks)
    }

    /// The same backend with or without [audiences](crate::Audience); see
    /// [`Settings::with_audiences`].
    ///
    /// # Errors
    /// `InvalidSettings` if the backend has no feeds.
    pub fn with_audiences(self, audiences: bool) -> Result<Self> {
        self.with_extras(|extras| extras.audiences = audiences)
    }

    /// The same backend with or without items that users dismiss; see
    /// [`Settings::with_dismissals`].
    ///
    /// # Errors
    /// `InvalidSettings` if the backend has no feeds.
    pub fn with_dismissals(self, dismissals: bool) -> Result<Self> {
        self.with_extras(|extras| extras.dismissals = dismissals)
    }

    /// The same backend with or without items that are retracted for all; see
    /// [`Settings::with_retractions`].
    ///
    /// # Errors
    /// `InvalidSettings` if the backend has no feeds.
    pub fn with_retractions(self, retractions: bool) -> Result<Self> {
        self.with_extras(|extras| extras.retractions = retractions)
    }

    /// Whether single items can be read and unread: the setting
    /// [`item_marks`](Settings::with_item_marks).
    pub fn has_item_marks(&self) -> bool {
        self.0.feeds.item_marks().is_some()
    }

    /// Whether users can dismiss items: the setting [`dismissals`](Settings::with_dismissals).
    pub fn has_dismissals(&self) -> bool {
        self.0.feeds.main().dismissed().is_some()
    }

    fn with_extras(self, change: impl FnOnce(&mut Extras)) -> Result<Self> {
        Ok(Self(self.0.with_feeds(self.0.feeds.with_extras(change)?)))
    }

    /// The same backend with only so many of the newest items of a stream.
    #[must_use]
    pub fn with_max_len(mut self, max_len: u64) -> Self {
        self.0.retention.max_len = Some(max_len);
        self
    }

    /// The same backend with only the items that are no older than this.
    #[must_use]
    pub fn with_max_age(mut self, max_age: Duration) -> Self {
        self.0.retention.max_age = Some(max_age);
        self
    }

    /// The same backend, whether or not an item with a date to come is hidden until it comes.
    #[must_use]
    pub fn with_hide_future(mut self, hide_future: bool) -> Self {
        self.0.retention.hide_future = hide_future;
        self
    }

    /// The same backend with every item that is stored, whatever `max_len`, `max_age` and
    /// `hide_future` hide.
    #[must_use]
    pub fn without_retention(mut self) -> Self {
        self.0.retention = Retention::default();
        self
    }

    /// The same backend with another [interval](Settings::with_poll_interval) in which it is asked
    /// what has come, for those who subscribe on this handle.
    #[must_use]
    pub fn with_poll_interval(mut self, interval: Duration) -> Self {
        self.0.live = self.0.live.with(|live| live.poll_interval = interval);
        self
    }

    /// The same backend with another [lateness](Settings::with_lateness) of items that reach those
    /// who subscribe on this handle.
    #[must_use]
    pub fn with_lateness(mut self, lateness: Duration) -> Self {
        self.0.live = self.0.live.with(|live| live.lateness = lateness);
        self
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

    /// A feed that the setting [`feeds`](Settings::with_feeds) declares: streams of the same users
    /// beside these, with items and marks of their own.
    ///
    /// ```
    /// # use user_streams_core::{Settings, Streams};
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let settings = Settings::new("memory://").with_feeds(["news", "offers"]);
    /// let streams = Streams::connect(settings).await?;
    /// streams.migrate().await?;
    /// streams.feed("news")?.add_stream_item(42, "Version 2 is out").await?;
    /// assert_eq!(streams.get_stream_items(42).count().await?, 0);
    /// assert_eq!(streams.merge(["news"])?.get_stream_items(42).count().await?, 1);
    /// # Ok::<(), user_streams_core::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// `InvalidArgument` if it is not declared.
    pub fn feed(&self, name: &str) -> Result<Self> {
        self.0.feed(name).map(Self)
    }

    /// These streams and those feeds, read as one: an item that is in several is there once.
    /// Everything else, such as adding and marking, is done in these streams alone.
    ///
    /// A page by cursor reads a page of each; the items before a slice or a numbered page are read
    /// as well.
    ///
    /// # Errors
    /// `InvalidArgument` if one is not declared.
    pub fn merge<N: AsRef<str>>(&self, feeds: impl IntoIterator<Item = N>) -> Result<Self> {
        Ok(Self(self.0.with_feeds(self.0.feeds.merge(feeds)?)))
    }

    /// Creates or upgrades what the backend's storage needs, for the feeds as well. Safe to call at
    /// every start, from many processes at once.
    ///
    /// # Errors
    /// `Unsupported` if the backend has nothing of the kind; else those of the storage.
    pub async fn migrate(&self) -> Result<()> {
        let migrate = async {
            self.0.backend().migrate().await?;
            for feed in self.0.feeds.all() {
                feed.backend().migrate().await?;
            }
            Ok(())
        };
        self.0.call(Operation::Migrate).run(migrate).await
    }

    /// Takes an item from the stream of one user, of many, or of every user of a query, and returns
    /// from how many. The item is named by its place: [`StreamItem::cursor`] or
    /// [`Delivery::item`](crate::Delivery).
    ///
    /// ```
    /// # use user_streams_core::{MemoryBackend, Streams};
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// # let streams = Streams::from_backend(MemoryBackend::default());
    /// let sent = streams.add_stream_item([42, 43, 44], "We move on Sunday").await?.item;
    /// assert_eq!(streams.remove_stream_item(42, sent).await?, 1);
    /// assert_eq!(streams.remove_stream_item([42, 43, 44], sent).await?, 2);
    /// # Ok::<(), user_streams_core::Error>(()) }).unwrap();
    /// ```
    ///
    /// [`StreamItem::cursor`]: crate::StreamItem::cursor
    ///
    /// # Errors
    /// `Unsupported` if the backend cannot; `InvalidUserId`; `Recipients` from within a stream of
    /// recipients; else those of the storage.
    pub fn remove_stream_item(
        &self,
        recipients: impl IntoRecipients,
        item: Cursor,
    ) -> impl Future<Output = Result<u64>> + Send + 'static {
        let (handle, args) = (self.0.clone(), RemoveStreamItem::new(recipients, item));
        async move {
            let call = handle.call(Operation::RemoveStreamItem).to(args.recipients.known());
            let removed = async {
                let served = Served::new(&handle, args.recipients)?;
                let backend = served.backend();
                let Served { recipients, copies, .. } = served;
                let args = RemoveStreamItem::new(recipients, args.item);
                let removed = backend.remove_stream_item(args).await?;
                Ok(served::recipients(removed, copies))
            };
            call.run(removed).await
        }
    }

    /// Deletes everything of a user's, such as when the user is deleted: the streams in these and
    /// in every feed that is declared, and the marks. Returns how many items there were. If it
    /// fails, call it again.
    ///
    /// # Errors
    /// `Unsupported` if the backend cannot delete; `InvalidUserId`; else those of the storage.
    pub fn delete_user(
        &self,
        user: impl ToUserId,
    ) -> impl Future<Output = Result<u64>> + Send + 'static {
        let (handle, user) = (self.0.clone(), user.to_user_id());
        async move {
            let call = handle.call(Operation::DeleteUser).of(&user);
            let deleted = async {
                handle.check(&user)?;
                users::delete(&handle, &user).await
            };
            call.run(deleted).await
        }
    }

    /// Puts many items, each into the stream of its user, such as when another system's are taken
    /// over, and returns how many were not there. Called again it has no effect. A part may be
    /// stored if it fails.
    ///
    /// ```
    /// # use user_streams_core::{ItemId, MemoryBackend, NewItem, Streams};
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// # use chrono::{TimeZone, Utc};
    /// # let streams = Streams::from_backend(MemoryBackend::default());
    /// let at = Utc.with_ymd_and_hms(2026, 5, 1, 0, 0, 0).unwrap();
    /// let row = |key| NewItem::new("Hello").with_created_at(&at).with_id(ItemId::from_event(key));
    /// assert_eq!(streams.bulk_add([(42, row("old:1")), (43, row("old:2"))]).await?, 2);
    /// assert_eq!(streams.bulk_add([(42, row("old:1")), (43, row("old:3"))]).await?, 1);
    /// # Ok::<(), user_streams_core::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// `InvalidUserId`, `InvalidContent` and `InvalidDate` before anything is stored; else those of
    /// the storage.
    pub fn bulk_add<U: ToUserId>(
        &self,
        rows: impl IntoIterator<Item = (U, NewItem)>,
    ) -> impl Future<Output = Result<u64>> + Send + 'static {
        let rows: Vec<_> = rows.into_iter().map(|(user, item)| (user.to_user_id(), item)).collect();
        let handle = self.0.clone();
        async move {
            let added = async {
                for (user, item) in &rows {
                    handle.check(user)?;
                    item.check(handle.max_content_len)?;
                }
                let users: Vec<_> = rows.iter().map(|(user, _)| user.clone()).collect();
                let hint = handle.live.wants(handle.feeds.main().store.name.as_ref(), Some(&users));
                let added = bulk::add(handle.backend(), rows).await?;
                if let Some(hint) = hint {
                    handle.live.tell(hint);
                }
                Ok(added)
            };
            handle.call(Operation::BulkAdd).run(added).await
        }
    }

    /// The names of the feeds that are declared.
    pub fn feeds(&self) -> impl Iterator<Item = &str> {
        self.0.feeds.names().map(Name::as_str)
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
