//! Writing in a transaction of the application.

use std::sync::Arc;

use sea_orm::{ConnectionTrait as _, DatabaseTransaction, sea_query::SelectStatement};
use tokio::time::timeout_at;
use user_streams_core::{
    Delivery, Error, ErrorKind, NewItem, Recipients, Result, UserId,
    backend::{
        AddStreamItem, BulkAdd, DeleteRange, DeleteStream, RemoveStreamItem, SetMark, Writes,
        async_trait,
    },
};

use super::{
    Store,
    add::{
        many,
        query::{self, QueryDelivery},
        report,
    },
    batch, bulk_add, delete,
    identity::identity,
    mark, remove,
    statement::{self, Bound},
};
use crate::{
    Dialect, Users,
    pool::{Executor as _, Limits, StreamsDatabase, TransactionExecutor, runtime},
};

/// The smallest `max_allowed_packet` that servers have, for when the server's is not known.
const MIN_MAX_PACKET: usize = 1 << 20;
/// Bytes of a statement in hexadecimal beside its content.
const STATEMENT_OVERHEAD: usize = 8 * 1_024;

/// Writes streams in the application's transaction.
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

    /// Runs `work` on the transaction. `work` begins with a savepoint, and with a check that the
    /// transaction is on the streams' database.
    async fn run<T, F>(
        &self,
        limits: Limits,
        work: impl FnOnce(TransactionExecutor<'a>) -> F + Send,
    ) -> Result<T>
    where
        F: Future<Output = Result<T>> + Send,
    {
        let work = async { work(self.executor().await?).await };
        let result = timeout_at(limits.deadline, work).await;
        result.map_err(|_| abandoned(&limits.timeout_error()))?.map_err(not_repeatable)
    }

    async fn executor(&self) -> Result<TransactionExecutor<'a>> {
        let store = self.store;
        let identity = identity(store).await?;
        let unknown = if store.dialect() == Dialect::MySql { MIN_MAX_PACKET } else { usize::MAX };
        Ok(TransactionExecutor {
            transaction: self.transaction,
            dialect: store.dialect(),
            max_packet: identity.map_or(unknown, |identity| identity.max_packet),
            database: identity.map(|identity| StreamsDatabase {
                table: store.schema.identity_table(),
                id: identity.id.clone(),
            }),
        })
    }

    /// By the statement for many even for one user, since on MySQL the statement for one fails if
    /// the user has the item.
    async fn add_users(&self, users: Vec<UserId>, item: &Arc<NewItem>) -> Result<u64> {
        let (store, item) = (Arc::clone(self.store), Arc::clone(item));
        let limits = self.limits_for(users.len());
        let write = |executor: TransactionExecutor<'a>| async move {
            check_content(&executor, &item)?;
            many::write(Box::new(executor), store, users.into(), item).await
        };
        self.run(limits, write).await
    }

    async fn add_query(&self, select: &SelectStatement, item: &Arc<NewItem>) -> Result<u64> {
        let query = Arc::new(QueryDelivery::new(self.store, select, item));
        let (store, item) = (Arc::clone(self.store), Arc::clone(item));
        let write = |executor: TransactionExecutor<'a>| async move {
            check_content(&executor, &item)?;
            query::write(Box::new(executor), store, query, item).await
        };
        let added = self.run(self.store.broadcast_limits(), write).await;
        added.map_err(|error| query::explain(self.store, error))
    }

    async fn run_statement(&self, bound: Bound) -> Result<u64> {
        let write = |executor| statement::write(Box::new(executor), bound);
        self.run(self.store.call_limits(), write).await
    }

    /// The limits of a call for this many rows.
    fn limits_for(&self, rows: usize) -> Limits {
        let is_broadcast = rows > batch::size(self.store.schema.user_id);
        if is_broadcast { self.store.broadcast_limits() } else { self.store.call_limits() }
    }

    /// All recipients without duplicates, read before anything is written to the transaction: so
    /// one statement delivers to them.
    async fn collect(&self, recipients: Recipients) -> Result<Vec<UserId>> {
        let (limits, kind) = (self.store.broadcast_limits(), self.store.schema.user_id);
        let mut chunks = recipients.into_chunks(self.store.backend, kind, batch::size(kind))?;
        let mut users = Vec::new();
        let timeout = self.store.pools.timeouts.recipients;
        let collected = async {
            while let Some(chunk) = batch::next_within(&mut chunks, timeout).await? {
                users.extend(chunk.users);
            }
            users.sort_unstable();
            users.dedup();
            Ok(users)
        };
        timeout_at(limits.deadline, collected).await.map_err(|_| limits.timeout_error())?
    }
}

/// The query of the recipients, if it is one for the streams' own database.
fn local(recipients: Recipients) -> Result<Box<SelectStatement>, Recipients> {
    recipients.query_as::<Users>()?.into_local().map_err(Recipients::query)
}

/// Refuses content that does not fit into a statement in hexadecimal.
fn check_content(executor: &TransactionExecutor<'_>, item: &NewItem) -> Result<()> {
    let length = item.content().len();
    let max = executor.max_packet().saturating_sub(STATEMENT_OVERHEAD);
    if executor.dialect != Dialect::MySql || length <= max {
        return Ok(());
    }
    let message = format!(
        "the content has {length} bytes, more than half of the server's maximum statement size, \
         which is the limit in a transaction on MySQL: `max_allowed_packet` is {}",
        executor.max_packet
    );
    Err(Error::new(ErrorKind::InvalidContent, message))
}

/// A conflict cannot be retried within the same transaction.
fn not_repeatable(error: Error) -> Error {
    if !error.is_retryable() || matches!(error.kind(), ErrorKind::Timeout | ErrorKind::Overloaded) {
        return error;
    }
    let message = format!("{}; roll the transaction back and retry all of it", error.message());
    Error::new(error.kind(), message).with_retryable(false).with_source(error)
}

/// After a timeout the statement continues on the server.
fn abandoned(error: &Error) -> Error {
    let message =
        format!("{}; it may still take effect in the transaction: roll that back", error.message());
    Error::new(error.kind(), message).with_retryable(false)
}

#[async_trait]
impl<'a> Writes for InTransaction<'a> {
    async fn add_stream_item(&self, args: AddStreamItem) -> Result<Delivery> {
        runtime()?;
        let (recipients, item, on_progress) = args.into_parts();
        self.store.check_content_length(&item)?;
        let (at, item) = (item.cursor(), Arc::new(item));
        let users = match local(recipients) {
            Ok(select) => {
                let delivered = self.add_query(&select, &item).await?;
                return Ok(Delivery::new(at, report(delivered, on_progress)));
            }
            Err(recipients) => self.collect(recipients).await?,
        };
        let delivered = if users.is_empty() { 0 } else { self.add_users(users, &item).await? };
        Ok(Delivery::new(at, report(delivered, on_progress)))
    }

    async fn delete_stream(&self, args: DeleteStream) -> Result<u64> {
        runtime()?;
        self.run_statement(delete::stream(self.store, &args)?).await
    }

    async fn remove_stream_item(&self, args: RemoveStreamItem) -> Result<u64> {
        runtime()?;
        let (store, item) = (Arc::clone(self.store), args.item);
        let users = match local(args.recipients) {
            Ok(select) => {
                let removal = remove::query(&store, &select, item);
                let write = |executor| remove::write_query(Box::new(executor), store, removal);
                let removed = self.run(self.store.broadcast_limits(), write).await;
                return removed.map_err(|error| query::explain(self.store, error));
            }
            Err(recipients) => self.collect(recipients).await?,
        };
        if users.is_empty() {
            return Ok(0);
        }
        let limits = self.limits_for(users.len());
        let write = |executor| remove::write_list(Box::new(executor), store, users.into(), item);
        self.run(limits, write).await
    }

    async fn delete_range(&self, args: DeleteRange) -> Result<u64> {
        runtime()?;
        self.run_statement(delete::range(self.store, &args)?).await
    }

    async fn bulk_add(&self, args: BulkAdd) -> Result<u64> {
        runtime()?;
        let store = Arc::clone(self.store);
        let rows = bulk_add::sorted(&store, args)?;
        if rows.is_empty() {
            return Ok(0);
        }
        let limits = self.limits_for(rows.len());
        let write = |executor: TransactionExecutor<'a>| async move {
            for (_, item) in &*rows {
                check_content(&executor, item)?;
            }
            let all = 0..rows.len();
            bulk_add::write(Box::new(executor), store, rows, all).await
        };
        self.run(limits, write).await
    }

    async fn set_mark(&self, args: SetMark) -> Result<bool> {
        runtime()?;
        let store = Arc::clone(self.store);
        let Some(change) = mark::Change::new(&store, &args)? else { return Ok(false) };
        let write = |executor| mark::write(Box::new(executor), store, change);
        self.run(self.store.call_limits(), write).await
    }
}
