//! The backend.

use std::{
    collections::HashMap,
    fmt,
    future::{Future, poll_fn},
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
};

use tokio::runtime::Handle;
use user_streams_core::{
    Cursor, Delivery, Error, ErrorKind, Name, Result, StreamItem, UserId, UserIdKind,
    backend::{
        AddStreamItem, Backend, BulkAdd, Capabilities, Capability, Contains, CountNewer,
        CountQuery, DeleteRange, DeleteStream, Group, Hints, ListNewer, ListUsers, MarkQuery,
        MergedPart, MergedQuery, RemoveStreamItem, RepairStream, SetMark, StreamQuery, UsersPage,
        WaitLimit, async_trait,
    },
};

use crate::{
    client::{
        ApplicationClient, Executor,
        target::{Target, Topology},
    },
    config::{NAME, RedisConfig},
    error::invalid_settings,
    ops::{self, GroupStore, LenEstimate, Live, Merged, Part, Store},
    storage::keys::Keys,
};

/// In how many copies a cluster has what everyone reads: the readers are spread over its masters.
const COPIES: u8 = 8;

type Feeds = Arc<Mutex<HashMap<Name, Arc<RedisBackend>>>>;

/// Streams in Redis or Valkey, one sorted set per user. Schemes `redis://`, `redis-cluster://`,
/// `redis-sentinel://`, `redis+unix://` and, with the feature `rustls`, the same with `rediss`.
pub struct RedisBackend {
    store: Arc<Store>,
    /// Single adds that come together, where they may.
    group: Option<Group<GroupStore>>,
    /// Shared with the feeds.
    waiting: WaitLimit,
    /// `None` in a feed, which has no further ones.
    feeds: Option<Feeds>,
}

impl RedisBackend {
    /// Connects to the server, the cluster or the sentinels that the URL names.
    ///
    /// # Errors
    /// `InvalidSettings` if the URL or an option is malformed, `shared_content_min_len` is set for
    /// a cluster, or the server refuses the credentials; `Connection` or `Timeout` if no server can
    /// be reached.
    pub async fn connect(url: &str, config: RedisConfig) -> Result<Self> {
        let limits = config.limits()?;
        let target = Target::new(url, config.client_arguments.clone(), limits)?;
        check_shared_content(&config, matches!(target.topology, Topology::Cluster))?;
        let keys = Keys::new(&config.key_prefix)?;
        let waiting = WaitLimit::new(config.max_waiting)?;
        let executor = in_runtime(Executor::connect(target)).await?;
        Ok(Self::over(executor, keys, waiting, &config))
    }

    /// Works over a client of fred's, or a pool, that the application has connected, to whatever
    /// topology. It is never closed by the backend: [`close`](Backend::close) only ends the use of
    /// it. fred is re-exported as [`user_streams_redis::fred`](crate::fred), so that versions
    /// match.
    ///
    /// The client of a cluster has to be built with `max_redirections: 0`: when fred 10.1 follows
    /// an `ASK` redirect, as they occur while slots move, it hands replies to the wrong commands. A
    /// command that is redirected is sent again by the backend.
    ///
    /// What `config` says of connections has no effect: `client_arguments`, `max_connections`,
    /// `connect_timeout`. An operation takes at most `operation_timeout`.
    ///
    /// An example is in [the README](crate#over-your-own-client).
    ///
    /// # Errors
    /// `InvalidSettings` if an option is malformed, `shared_content_min_len` is set for a cluster,
    /// the server is too old, or the client of a cluster follows redirects.
    pub fn new(client: impl Into<ApplicationClient>, config: RedisConfig) -> Result<Self> {
        let executor = Executor::over(client.into(), config.limits()?)?;
        check_shared_content(&config, executor.is_cluster())?;
        let keys = Keys::new(&config.key_prefix)?;
        let waiting = WaitLimit::new(config.max_waiting)?;
        Ok(Self::over(executor, keys, waiting, &config))
    }

    fn over(executor: Executor, keys: Keys, waiting: WaitLimit, config: &RedisConfig) -> Self {
        let RedisConfig { user_id, shared_content_min_len, on_corrupt, .. } = *config;
        if config.live && !executor.can_publish() {
            tracing::warn!(
                servers = %executor,
                "live: what comes is not told: channels of slots are there from Redis 7 on"
            );
        }
        let live = config.live && executor.can_publish();
        let live = live.then(|| Live { keys: keys.clone(), feed: None });
        let store = Store {
            executor: Arc::new(executor),
            keys,
            user_id,
            shared_content_min_len,
            on_corrupt,
            live,
            member_len: LenEstimate::new(),
            content_len: LenEstimate::new(),
        };
        Self::of(store, waiting, Some(Feeds::default()))
    }

    /// A named feed beside this one.
    fn new_feed(&self, name: &Name, user_id: UserIdKind) -> Self {
        let store = Store {
            executor: Arc::clone(&self.store.executor),
            keys: self.store.keys.feed(name),
            user_id,
            shared_content_min_len: self.store.shared_content_min_len,
            on_corrupt: self.store.on_corrupt,
            live: self.store.live.clone().map(|live| Live { feed: Some(name.clone()), ..live }),
            member_len: LenEstimate::new(),
            content_len: LenEstimate::new(),
        };
        Self::of(store, self.waiting.clone(), None)
    }

    fn of(store: Store, waiting: WaitLimit, feeds: Option<Feeds>) -> Self {
        let store = Arc::new(store);
        Self { group: GroupStore::group(&store), store, waiting, feeds }
    }

    /// The feed of this name.
    fn named(&self, name: &Name, user_id: UserIdKind) -> Result<Arc<Self>> {
        let Some(feeds) = &self.feeds else { return Err(Error::unsupported(NAME, "feed")) };
        // Every change is one call of the map, so a panic elsewhere cannot leave it half done.
        let mut feeds = feeds.lock().unwrap_or_else(PoisonError::into_inner);
        let feed = feeds.entry(name.clone());
        let feed = feed.or_insert_with(|| Arc::new(self.new_feed(name, user_id)));
        feed.of_kind(name, user_id)
    }

    /// A feed that was asked for already.
    fn known(&self, name: &Name, user_id: UserIdKind) -> Result<Arc<Self>> {
        let feed = self.feeds.as_ref().and_then(|feeds| {
            feeds.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
        });
        let Some(feed) = feed else {
            let message = format!(
                "`{name}` is no feed of this backend, or `feed` has not been called for it yet"
            );
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        };
        feed.of_kind(name, user_id)
    }

    /// This feed, if its ids are of this kind.
    fn of_kind(self: &Arc<Self>, name: &Name, user_id: UserIdKind) -> Result<Arc<Self>> {
        let kind = self.store.user_id;
        if kind == user_id {
            return Ok(Arc::clone(self));
        }
        let message = format!("the feed `{name}` has ids of the kind {kind}, not {user_id}");
        Err(Error::new(ErrorKind::InvalidArgument, message))
    }

    /// A stream of those that are read as one.
    fn part(&self, part: MergedPart) -> Result<Part> {
        let MergedPart { feed, user, newer_than, .. } = part;
        let store = match feed {
            Some(feed) => Arc::clone(&self.known(&feed, user.kind())?.store),
            None => Arc::clone(&self.store),
        };
        Ok(Part { stream: store.stream(user)?, store, newer_than })
    }

    /// Runs a call, unless too many wait already.
    async fn call<T>(&self, call: impl Future<Output = Result<T>>) -> Result<T> {
        let _permit = self.waiting.acquire()?;
        in_runtime(call).await
    }
}

#[async_trait]
impl Backend for RedisBackend {
    fn capabilities(&self) -> Capabilities {
        // Not `AtomicBroadcast`: Redis has no transaction over several servers, and one over a
        // million keys would block the server.
        let capabilities = Capabilities::new(NAME, self.store.user_id)
            .with(Capability::Migrate)
            .with(Capability::DeleteStream)
            .with(Capability::Durable)
            .with(Capability::RepairStream)
            .with(Capability::RemoveStreamItem)
            .with(Capability::DeleteRange)
            .with(Capability::CountNewer)
            .with(Capability::Contains)
            .with(Capability::BulkAdd)
            .with(Capability::ListUsers)
            .with(Capability::GetMerged)
            .with(Capability::ListNewer)
            .with(Capability::Marks);
        let capabilities = match self.store.executor.is_cluster() {
            true => capabilities.with_copies(COPIES),
            false => capabilities,
        };
        match (&self.feeds, &self.store.live) {
            (None, _) => capabilities,
            (Some(_), None) => capabilities.with(Capability::Feeds),
            (Some(_), Some(_)) => capabilities.with(Capability::Feeds).with(Capability::Watch),
        }
    }

    async fn add_stream_item(&self, args: AddStreamItem) -> Result<Delivery> {
        let item = args.item().cursor();
        let add = ops::Add::new(&self.store, self.group.as_ref(), args)?;
        self.call(add.run()).await.map(|delivered| Delivery::new(item, delivered))
    }

    async fn get_stream_items(&self, query: StreamQuery) -> Result<Vec<StreamItem>> {
        self.call(ops::page(&self.store, query)).await
    }

    async fn count_stream_items(&self, query: CountQuery) -> Result<u64> {
        self.call(ops::count(&self.store, query)).await
    }

    /// Redis needs no schema. This checks settings of the server, and warns by `tracing` of those
    /// that waste memory or lose streams.
    async fn migrate(&self) -> Result<()> {
        self.call(ops::migrate(&self.store)).await
    }

    async fn delete_stream(&self, args: DeleteStream) -> Result<u64> {
        self.call(ops::delete(&self.store, args)).await
    }

    async fn repair_stream(&self, args: RepairStream) -> Result<u64> {
        self.call(ops::repair(&self.store, args)).await
    }

    async fn remove_stream_item(&self, args: RemoveStreamItem) -> Result<u64> {
        self.call(ops::remove(&self.store, args)).await
    }

    async fn delete_range(&self, args: DeleteRange) -> Result<u64> {
        self.call(ops::delete_range(&self.store, args)).await
    }

    async fn count_newer(&self, query: CountNewer) -> Result<u64> {
        self.call(ops::count_newer(&self.store, query)).await
    }

    async fn contains(&self, query: Contains) -> Result<Vec<bool>> {
        self.call(ops::contains(&self.store, query)).await
    }

    async fn bulk_add(&self, args: BulkAdd) -> Result<u64> {
        self.call(ops::bulk_add(&self.store, args)).await
    }

    /// By `SCAN`, or in a cluster slot by slot.
    async fn list_users(&self, query: ListUsers) -> Result<UsersPage> {
        self.call(ops::list_users(&self.store, query)).await
    }

    /// By scripts that answer with places alone.
    async fn list_newer(&self, query: ListNewer) -> Result<Vec<(UserId, Cursor)>> {
        self.call(ops::list_newer(&self.store, query)).await
    }

    /// By pub/sub, with the option [`live`](RedisConfig::live): over a connection of its own, in a
    /// cluster one to each master.
    async fn watch(&self) -> Result<Hints> {
        let Some(feeds) = &self.feeds else { return Err(Error::unsupported(NAME, "watch")) };
        let feeds = Arc::clone(feeds);
        let names =
            move || feeds.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect();
        // Connecting is a large future, and rare.
        self.call(Box::pin(ops::watch(&self.store, names))).await
    }

    /// In one exchange, in a cluster one with each master.
    async fn get_merged(&self, query: MergedQuery) -> Result<Vec<StreamItem>> {
        let MergedQuery { parts, less, position, limit, .. } = query;
        let parts = parts.into_iter().map(|part| self.part(part)).collect::<Result<_>>()?;
        let less = less.into_iter().map(|part| self.part(part)).collect::<Result<_>>()?;
        let merged = Merged { parts, less };
        self.call(merged.read(position, limit)).await
    }

    async fn mark(&self, query: MarkQuery) -> Result<Option<Cursor>> {
        self.call(ops::mark(&self.store, query)).await
    }

    async fn set_mark(&self, args: SetMark) -> Result<bool> {
        self.call(ops::set_mark(&self.store, args)).await
    }

    /// The keys of a feed begin with `<key_prefix>:feed:<name>:`. It has the same options and
    /// connections: closing it closes none, and closing this backend ends it as well.
    fn feed(&self, name: &Name, user_id: UserIdKind) -> Result<Arc<dyn Backend>> {
        Ok(self.named(name, user_id)? as _)
    }

    /// The server answers a `PING`; in a cluster each master does. It takes a second at the most,
    /// and does not count as one of the calls that `max_waiting` limits.
    async fn ping(&self) -> Result<()> {
        in_runtime(self.store.executor.ping()).await
    }

    async fn close(&self) -> Result<()> {
        if self.feeds.is_none() {
            return Ok(());
        }
        in_runtime(async {
            self.store.executor.close().await;
            Ok(())
        })
        .await
    }
}

pub(crate) fn check_shared_content(config: &RedisConfig, is_cluster: bool) -> Result<()> {
    if config.shared_content_min_len.is_some() && is_cluster {
        return Err(invalid_settings(
            "shared_content_min_len: not in a cluster, where content and the streams that refer to \
             it are on several servers",
        ));
    }
    Ok(())
}

/// Polls a call only within a tokio runtime: without one, tokio and fred would panic.
async fn in_runtime<T>(call: impl Future<Output = Result<T>>) -> Result<T> {
    let mut call = pin!(call);
    poll_fn(|context| match Handle::try_current() {
        Ok(_) => call.as_mut().poll(context),
        Err(_) => Poll::Ready(Err(Error::new(
            ErrorKind::InvalidArgument,
            "there is no tokio runtime here: call it within `#[tokio::main]`, `#[tokio::test]` or \
             `Runtime::block_on`",
        ))),
    })
    .await
}

impl fmt::Debug for RedisBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisBackend")
            .field("servers", &self.store.executor.to_string())
            .field("keys", &self.store.keys)
            .field("user_id", &self.store.user_id)
            .field("shared_content_min_len", &self.store.shared_content_min_len)
            .finish()
    }
}
