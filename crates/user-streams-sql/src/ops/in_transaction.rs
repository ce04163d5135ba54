//! Writing within a transaction of the application's.

use std::sync::Arc;

use sea_orm::{ConnectionTrait as _, DatabaseTransaction, sea_query::SelectStatement};
use tokio::time::timeout_at;
use user_streams_core::{
    AddStreamItem, DeleteStream, Delivery, Error, ErrorKind, NewItem, Recipients, Result, UserId,
    Writes, async_trait,
};

use super::{
    Store, add_many,
    add_query::{self, Query},
    batch, delete, identity,
};
use crate::{
    Dialect, Users,
    pool::{Database, Executor as _, Limits, Within, runtime},
};

/// The application's transaction, and where the streams are.
#[derive(Debug)]
pub(crate) struct InTransaction<'a> {
    store: &'a Arc<Store>,
    transaction: &'a DatabaseTransaction,
}

impl<'a> InTransaction<'a> {
    pub(crate) fn new(store: &'a Arc<Store>, transaction: &'a DatabaseTransaction) -> Result<Self> {
        let (ours, theirs) = (store.dialect().backend(), transaction.get_database_backend());
        if ours != theirs {
            let message = format!("the transaction is on {theirs:?}, the streams are on {ours:?}");
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        Ok(Self { store, transaction })
    }

    /// Runs `work` on the transaction. It begins with a savepoint, and with a look whether the
    /// transaction is on the streams' database.
    async fn run<T, F>(
        &self,
        limits: Limits,
        work: impl FnOnce(Within<'a>) -> F + Send,
    ) -> Result<T>
    where
        F: Future<Output = Result<T>> + Send,
    {
        let work = async { work(self.open().await?).await };
        let done = timeout_at(limits.until, work).await.map_err(|_| expired(&limits.expired()))?;
        done.map_err(ended)
    }

    async fn open(&self) -> Result<Within<'a>> {
        let store = self.store;
        let identity = identity::identity(store).await?;
        let unknown = if store.dialect() == Dialect::MySql { UNKNOWN_PACKET } else { usize::MAX };
        Ok(Within {
            transaction: self.transaction,
            dialect: store.dialect(),
            max_packet: identity.map_or(unknown, |identity| identity.max_packet),
            database: identity.map(|identity| Database {
                table: store.schema.identity_table(),
                id: identity.id.clone(),
            }),
        })
    }

    /// By a statement for many also to one, since that for one fails on MySQL where the user has
    /// the item.
    async fn add_users(&self, users: Vec<UserId>, item: &Arc<NewItem>) -> Result<u64> {
        let (store, item) = (Arc::clone(self.store), Arc::clone(item));
        let is_long = users.len() > batch::size(store.schema.user_id);
        let limits = if is_long { store.broadcast() } else { store.call() };
        let write = |on: Within<'a>| async move {
            check_content(&on, &item)?;
            add_many::write(Box::new(on), store, users.into(), item).await
        };
        self.run(limits, write).await
    }

    async fn add_query(&self, select: &SelectStatement, item: &Arc<NewItem>) -> Result<u64> {
        let query = Arc::new(Query::new(self.store, select, item));
        let (store, item) = (Arc::clone(self.store), Arc::clone(item));
        let write = |on: Within<'a>| async move {
            check_content(&on, &item)?;
            add_query::write(Box::new(on), store, query, item).await
        };
        let added = self.run(self.store.broadcast(), write).await;
        added.map_err(|error| add_query::of_query(self.store, error))
    }

    /// All of them, each once, before the transaction has anything of ours: so they go in one
    /// statement.
    async fn gather(&self, recipients: Recipients) -> Result<Vec<UserId>> {
        let (limits, kind) = (self.store.broadcast(), self.store.schema.user_id);
        let mut chunks = recipients.into_chunks(self.store.backend, kind, batch::size(kind))?;
        let mut users = Vec::new();
        let wait = self.store.pools.timeouts.recipients;
        let gathered = async {
            while let Some(chunk) = batch::next_within(&mut chunks, wait).await? {
                users.extend(chunk.users);
            }
            users.sort_unstable();
            users.dedup();
            Ok(users)
        };
        timeout_at(limits.until, gathered).await.map_err(|_| limits.expired())?
    }
}

/// Where the server's limit is not known: the smallest that servers are set to.
const UNKNOWN_PACKET: usize = 1 << 20;

/// Refuses a content that does not fit into a statement in hexadecimal.
fn check_content(on: &Within<'_>, item: &NewItem) -> Result<()> {
    let length = item.content().len();
    if on.dialect != Dialect::MySql || length <= on.max_packet().saturating_sub(STATEMENT) {
        return Ok(());
    }
    let message = format!(
        "the content has {length} bytes, more than half of what the server takes at once, which is \
         the most in a \
         transaction on MySQL: `max_allowed_packet` is {}",
        on.max_packet
    );
    Err(Error::new(ErrorKind::InvalidContent, message))
}

/// Bytes of a statement beside its content.
const STATEMENT: usize = 8 * 1_024;

/// What cannot be repeated within the same transaction.
fn ended(error: Error) -> Error {
    if !error.is_retryable() || matches!(error.kind(), ErrorKind::Timeout | ErrorKind::Overloaded) {
        return error;
    }
    let message = format!("{}; roll the transaction back and begin it anew", error.message());
    Error::new(error.kind(), message).with_retryable(false).with_source(error)
}

/// Of a call that was given up: its statement goes on.
fn expired(error: &Error) -> Error {
    let message =
        format!("{}; it may still take effect in the transaction: roll that back", error.message());
    Error::new(error.kind(), message).with_retryable(false)
}

#[async_trait]
impl Writes for InTransaction<'_> {
    async fn add_stream_item(&self, args: AddStreamItem) -> Result<Delivery> {
        runtime()?;
        let (recipients, item, on_progress) = args.into_parts();
        self.store.check_column(&item)?;
        let (at, item) = (item.cursor(), Arc::new(item));
        let recipients = match recipients.query_as::<Users>().map(|users| users.own()) {
            Ok(Ok(select)) => {
                let delivered = self.add_query(&select, &item).await?;
                return Ok(Delivery::new(at, super::add::done(delivered, on_progress)));
            }
            Ok(Err(elsewhere)) => Recipients::query(elsewhere),
            Err(recipients) => recipients,
        };
        let users = self.gather(recipients).await?;
        let delivered = if users.is_empty() { 0 } else { self.add_users(users, &item).await? };
        Ok(Delivery::new(at, super::add::done(delivered, on_progress)))
    }

    async fn delete_stream(&self, args: DeleteStream) -> Result<u64> {
        runtime()?;
        let user = self.store.user(&args.user)?;
        let store = Arc::clone(self.store);
        self.run(self.store.call(), |on| delete::write(Box::new(on), store, user)).await
    }
}
