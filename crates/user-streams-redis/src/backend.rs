//! The backend.

use std::{
    fmt,
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
};

use tokio::runtime::Handle;
use user_streams_core::{
    AddStreamItem, Backend, Capabilities, Capability, CountQuery, DeleteStream, Delivered, Error,
    ErrorKind, Result, StreamItem, StreamQuery, Waiting, async_trait,
};

use crate::{
    client::{
        Executor,
        target::{Target, Topology},
    },
    config::{NAME, RedisConfig},
    error::invalid_settings,
    ops::{self, Store},
    storage::keys::Keys,
};

/// Streams in Redis or Valkey, one sorted set per user. Schemes `redis://`, `redis-cluster://`,
/// `redis-sentinel://` and, with the feature `rustls`, the same with `rediss`.
pub struct RedisBackend {
    store: Arc<Store>,
    waiting: Waiting,
}

impl RedisBackend {
    /// Connects to the server, the cluster or the sentinels that the URL names.
    ///
    /// # Errors
    /// `InvalidSettings` if the URL or an option is malformed, `shared_content_min_len` is set for
    /// a cluster, or the server refuses the credentials; `Connection` or `Timeout` if no server can
    /// be reached.
    pub async fn connect(url: &str, config: RedisConfig) -> Result<Self> {
        let keys = Keys::new(&config.key_prefix)?;
        let limits = config.limits()?;
        let target = Target::new(url, config.client_arguments, limits)?;
        let RedisConfig { user_id, shared_content_min_len, .. } = config;
        let waiting = Waiting::new(config.max_waiting)?;
        if shared_content_min_len.is_some() && matches!(target.topology, Topology::Cluster) {
            return Err(invalid_settings(
                "shared_content_min_len: not in a cluster, where content and the streams that \
                 refer to it are on several servers",
            ));
        }
        let executor = in_runtime(Executor::connect(target)).await?;
        let store = Arc::new(Store { executor, keys, user_id, shared_content_min_len });
        Ok(Self { store, waiting })
    }

    /// Runs a call, unless too many wait already.
    async fn call<T>(&self, call: impl Future<Output = Result<T>>) -> Result<T> {
        let _place = self.waiting.enter()?;
        in_runtime(call).await
    }
}

#[async_trait]
impl Backend for RedisBackend {
    fn capabilities(&self) -> Capabilities {
        // Not `AtomicBroadcast`: Redis has no transaction over several servers, and one over a
        // million keys would block the server.
        Capabilities::new(NAME, self.store.user_id)
            .with(Capability::Migrate)
            .with(Capability::DeleteStream)
            .with(Capability::Durable)
    }

    async fn add_stream_item(&self, args: AddStreamItem) -> Result<Delivered> {
        let add = ops::Add::new(&self.store, args)?;
        self.call(add.run()).await
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

    async fn close(&self) -> Result<()> {
        in_runtime(async {
            self.store.executor.close().await;
            Ok(())
        })
        .await
    }
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
