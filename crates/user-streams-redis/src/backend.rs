//! The backend.

use std::{
    fmt,
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
};

use fred::types::Value;
use tokio::runtime::Handle;
use user_streams_core::{
    AddStreamItem, Backend, Capabilities, Capability, CountQuery, DeleteStream, Delivery, Error,
    ErrorKind, Result, StreamItem, StreamQuery, UserIdKind, Waiting, async_trait,
};

use crate::{
    RedisConfig,
    broadcast::Broadcast,
    client::Client,
    command::Command,
    delete,
    keys::Keys,
    page,
    url::{Target, Topology},
};

pub(crate) const NAME: &str = "redis";

/// Streams in Redis or Valkey, one sorted set per user. Schemes `redis://`, `redis-cluster://`,
/// `redis-sentinel://` and, with the feature `rustls`, the same with `rediss`.
pub struct RedisBackend {
    client: Arc<Client>,
    keys: Keys,
    user_id: UserIdKind,
    shared_content_min_len: Option<usize>,
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
        let target = Target::new(url, config.client_arguments)?;
        let RedisConfig { user_id, shared_content_min_len, .. } = config;
        let waiting = Waiting::new(config.max_waiting)?;
        if shared_content_min_len.is_some() && matches!(target.topology, Topology::Cluster) {
            return Err(Error::new(
                ErrorKind::InvalidSettings,
                "shared_content_min_len: not in a cluster, where a content and the streams that \
                 share it are on several servers",
            ));
        }
        let client = Arc::new(in_runtime(Client::connect(target)).await?);
        Ok(Self { client, keys, user_id, shared_content_min_len, waiting })
    }

    /// Makes a call, unless too many wait already.
    async fn call<T>(&self, call: impl Future<Output = Result<T>>) -> Result<T> {
        let _place = self.waiting.enter()?;
        in_runtime(call).await
    }
}

#[async_trait]
impl Backend for RedisBackend {
    fn capabilities(&self) -> Capabilities {
        // Not `AtomicBroadcast`: Redis has no transaction over several servers, nor one over a
        // million keys that would not stop all else meanwhile.
        Capabilities::new(NAME, self.user_id)
            .with(Capability::Migrate)
            .with(Capability::DeleteStream)
            .with(Capability::Durable)
    }

    async fn add_stream_item(&self, args: AddStreamItem) -> Result<Delivery> {
        let (recipients, item, on_progress) = args.into_parts();
        let shared = self.shared_content_min_len.is_some_and(|bytes| item.content().len() >= bytes);
        let chunks = Broadcast::chunks(recipients, self.user_id, &item, shared)?;
        let broadcast = Broadcast::new(&self.client, &self.keys, &item, shared, on_progress);
        let delivered = self.call(broadcast.run(chunks)).await?;
        Ok(Delivery::new(item.cursor(), delivered))
    }

    async fn get_stream_items(&self, query: StreamQuery) -> Result<Vec<StreamItem>> {
        let StreamQuery { user, position, limit, .. } = query;
        self.call(page::read(&self.client, &self.keys, self.keys.stream(&user), position, limit))
            .await
    }

    async fn count_stream_items(&self, query: CountQuery) -> Result<u64> {
        let command = Command::on_key("ZCARD", self.keys.stream(&query.user), []);
        count(&self.call(self.client.one(command)).await?)
    }

    /// Redis needs nothing to be created. This looks at settings of the server that waste memory or
    /// lose streams, and warns of them by `tracing`.
    async fn migrate(&self) -> Result<()> {
        self.call(crate::advice::give(&self.client)).await
    }

    async fn delete_stream(&self, args: DeleteStream) -> Result<u64> {
        let key = self.keys.stream(&args.user);
        self.call(async {
            match self.shared_content_min_len {
                None => delete::members(&self.client, key).await,
                Some(_) => delete::members_and_contents(&self.client, &self.keys, key).await,
            }
        })
        .await
    }

    async fn close(&self) -> Result<()> {
        in_runtime(async {
            self.client.close().await;
            Ok(())
        })
        .await
    }
}

/// Polls a call only within a tokio runtime, since tokio and fred panic outside of one.
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

/// A number in an answer.
pub(crate) fn count(answer: &Value) -> Result<u64> {
    answer.as_u64().ok_or_else(unexpected)
}

/// For an answer that Redis would not give.
pub(crate) fn unexpected() -> Error {
    Error::new(ErrorKind::Backend, "the server gave an answer of an unexpected kind")
}

impl fmt::Debug for RedisBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisBackend")
            .field("servers", &self.client.to_string())
            .field("keys", &self.keys)
            .field("user_id", &self.user_id)
            .field("shared_content_min_len", &self.shared_content_min_len)
            .finish()
    }
}
