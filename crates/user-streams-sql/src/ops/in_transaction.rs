//! Writing within a transaction of the application's.

use std::sync::Arc;

use sea_orm::{ConnectionTrait as _, DatabaseTransaction, sea_query::SelectStatement};
use tokio::time::timeout_at;
use user_streams_core::{
    AddStreamItem, DeleteStream, Delivered, Error, ErrorKind, NewItem, Recipients, Result, UserId, Writes,
    async_trait,
};

use super::{
    Store, add_many, add_one,
    add_query::{self, Query},
    batch, delete, identity,
};
use crate::{
    Users,
    pool::{Database, Limits, Within, runtime},
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

    /// Runs `work` on the transaction. It begins with a savepoint, and with a look whether the transaction is on the
    /// streams' database.
    async fn run<T, F>(&self, limits: Limits, work: impl FnOnce(Within<'a>) -> F + Send) -> Result<T>
    where
        F: Future<Output = Result<T>> + Send,
    {
        let work = async {
            let store = self.store;
            let identity = identity::identity(store).await?;
            let on = Within {
                transaction: self.transaction,
                dialect: store.dialect(),
                max_packet: identity.map_or(UNKNOWN_PACKET, |identity| identity.max_packet),
                database: identity.map(|identity| Database {
                    query: store.statements.identity.clone(),
                    table: store.schema.identity_table(),
                    id: identity.id.clone(),
                }),
            };
            work(on).await
        };
        let done = timeout_at(limits.until, work).await.map_err(|_| limits.expired())?;
        done.map_err(ended)
    }

    async fn add_users(&self, users: Vec<UserId>, item: &Arc<NewItem>) -> Result<u64> {
        let (store, item) = (Arc::clone(self.store), Arc::clone(item));
        match <[UserId; 1]>::try_from(users) {
            Ok([user]) => {
                let write = |on| add_one::write(Box::new(on), store, user, item);
                self.run(self.store.call(), write).await
            }
            Err(users) => {
                let write = |on| add_many::write(Box::new(on), store, users.into(), item);
                self.run(self.store.call(), write).await
            }
        }
    }

    async fn add_query(&self, select: &SelectStatement, item: &Arc<NewItem>) -> Result<u64> {
        let query = Arc::new(Query::new(self.store, select, item));
        let (store, item) = (Arc::clone(self.store), Arc::clone(item));
        let write = |on: Within<'a>| async move {
            on.require_strict().await?;
            add_query::write(Box::new(on), store, query, item).await
        };
        let added = self.run(self.store.broadcast(), write).await;
        added.map_err(|error| add_query::of_query(self.store, error))
    }

    /// All of them, each once, before the transaction has anything of ours: so they go in one statement.
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

/// What cannot be repeated within the same transaction.
fn ended(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Connection | ErrorKind::Conflict => error.with_retryable(false),
        _ => error,
    }
}

#[async_trait]
impl Writes for InTransaction<'_> {
    async fn add_stream_item(&self, args: AddStreamItem) -> Result<Delivered> {
        runtime()?;
        let AddStreamItem { recipients, item, on_progress, .. } = args;
        self.store.check_column(&item)?;
        let item = Arc::new(item);
        let recipients = match recipients.query_as::<Users>().map(|users| users.own()) {
            Ok(Ok(select)) => {
                let delivered = self.add_query(&select, &item).await?;
                return Ok(super::add::done(delivered, on_progress));
            }
            Ok(Err(elsewhere)) => Recipients::query(elsewhere),
            Err(recipients) => recipients,
        };
        let users = self.gather(recipients).await?;
        let delivered = if users.is_empty() { 0 } else { self.add_users(users, &item).await? };
        Ok(super::add::done(delivered, on_progress))
    }

    async fn delete_stream(&self, args: DeleteStream) -> Result<u64> {
        runtime()?;
        let user = self.store.user(&args.user)?;
        let store = Arc::clone(self.store);
        self.run(self.store.call(), |on| delete::write(Box::new(on), store, user)).await
    }
}
