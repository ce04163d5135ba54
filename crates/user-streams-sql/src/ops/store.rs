//! What every operation of a backend needs.

use sea_orm::Value;
use tokio::sync::OnceCell;
use user_streams_core::{
    Error, ErrorKind, Name, NewItem, OnCorrupt, Result, UserId, UserIdKind, backend::Group,
};

use super::{batch::STATEMENT_OVERHEAD, group::GroupStore, merged::MergedStatements};
use crate::{
    Dialect, Layout, Schema, SqlConfig,
    dialect::values,
    error::is_transaction_conflict,
    live::{Note, Telling},
    pool::{Access, Executor, Limits, Pools},
    schema::Statements,
};

/// The maximum size of content on MySQL, whose type for it is MEDIUMTEXT.
const MYSQL_MAX_CONTENT: usize = (1 << 24) - 1;

/// A backend's pools, tables and statements.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) pools: Pools,
    pub(crate) schema: Schema,
    pub(super) statements: Statements,
    pub(super) merged: MergedStatements,
    /// Single adds that come together, where they may.
    pub(super) group: Option<Group<GroupStore>>,
    /// If what is added is to be told.
    pub(super) telling: Option<Telling>,
    pub(super) identity: OnceCell<Identity>,
    pub(super) backend: &'static str,
    pub(super) on_corrupt: OnCorrupt,
}

/// What is known of the streams' database.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(super) id: String,
    pub(super) max_packet: usize,
}

impl Store {
    pub(crate) fn new<L: Layout>(pools: Pools, config: &SqlConfig) -> Result<Self> {
        let schema = Schema::new::<L>(pools.dialect, config)?;
        let telling = (config.live && pools.dialect == Dialect::Postgres)
            .then(|| Telling::new(&schema.table));
        Ok(Self::of::<L>(pools, schema, telling, config.on_corrupt))
    }

    /// The store of a feed, over the same pools.
    pub(crate) fn feed<L: Layout>(&self, name: &Name, user_id: UserIdKind) -> Result<Self> {
        let schema = self.schema.feed(name, user_id)?;
        let telling = self.telling.as_ref().map(|telling| telling.feed(name));
        Ok(Self::of::<L>(self.pools.clone(), schema, telling, self.on_corrupt))
    }

    fn of<L: Layout>(
        pools: Pools,
        schema: Schema,
        telling: Option<Telling>,
        on_corrupt: OnCorrupt,
    ) -> Self {
        Self {
            statements: Statements::new::<L>(&schema),
            merged: MergedStatements::default(),
            group: GroupStore::group::<L>(&pools, &schema, telling.as_ref()),
            telling,
            identity: OnceCell::new(),
            backend: L::NAME,
            on_corrupt,
            pools,
            schema,
        }
    }

    pub(super) fn dialect(&self) -> Dialect {
        self.pools.dialect
    }

    /// Whether what is added is told.
    pub(crate) fn tells(&self) -> bool {
        self.telling.is_some()
    }

    /// The limits of a call of few statements.
    pub(super) fn call_limits(&self) -> Limits {
        Limits::for_call(&self.pools.timeouts)
    }

    /// The limits of a broadcast.
    pub(super) fn broadcast_limits(&self) -> Limits {
        Limits::for_broadcast(&self.pools.timeouts)
    }

    /// The id of a user as a parameter, if it is of the right kind.
    pub(super) fn user(&self, user: &UserId) -> Result<Value> {
        user.check(self.schema.user_id)?;
        Ok(values::user(self.dialect(), user))
    }

    /// `created_at_us, id`, and the content if deliveries have it.
    pub(super) fn item_values(&self, item: &NewItem) -> Vec<Value> {
        let mut values = item_key(item);
        if self.statements.has_content() {
            values.push(item.content().into());
        }
        values
    }

    /// What is to be told of an item for these users, or for nobody knows whom.
    pub(super) fn note(&self, users: Option<&[UserId]>, item: &NewItem) -> Option<Note> {
        self.telling.as_ref().map(|telling| telling.item(users, item.cursor()))
    }

    /// Refuses content that the column cannot store, before anything is sent.
    pub(super) fn check_content_length(&self, item: &NewItem) -> Result<()> {
        let length = item.content().len();
        if self.dialect() == Dialect::MySql && length > MYSQL_MAX_CONTENT {
            let limit = format!("the column's {MYSQL_MAX_CONTENT} bytes");
            return Err(content_too_long(length, &limit));
        }
        Ok(())
    }
}

/// How often a transaction is attempted that conflicts with others.
const MAX_ATTEMPTS: u32 = 5;

impl Store {
    /// Runs `work` on a connection that reads.
    pub(super) async fn read<T, F>(
        &self,
        limits: Limits,
        work: impl FnOnce(Box<dyn Executor>) -> F,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        self.pools.run(Access::Read, limits, work).await
    }

    /// Runs `work` on a connection that writes. `work` is idempotent: after a conflict with another
    /// transaction, such as a deadlock, it is retried.
    pub(super) async fn write<T, F>(
        &self,
        limits: Limits,
        work: impl Fn(Box<dyn Executor>) -> F,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        self.write_on(None, limits, work).await
    }

    /// The same, with a lease for the first attempt if there is one already.
    pub(super) async fn write_on<T, F>(
        &self,
        mut lease: Option<Box<dyn Executor>>,
        limits: Limits,
        work: impl Fn(Box<dyn Executor>) -> F,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let mut attempt = 1;
        loop {
            let executor = match lease.take() {
                Some(executor) => executor,
                None => self.pools.lease(Access::Write, limits).await?,
            };
            match self.pools.run_on(Access::Write, executor, limits, &work).await {
                Err(error)
                    if is_transaction_conflict(&error)
                        && attempt < MAX_ATTEMPTS
                        && !limits.is_expired() =>
                {
                    attempt += 1;
                }
                result => return result,
            }
        }
    }
}

/// The bytes of a statement that remain for user ids. Refuses content that exceeds the maximum
/// statement size.
pub(super) fn room_for_ids(max_packet: usize, item: &NewItem) -> Result<usize> {
    let length = item.content().len();
    let room = max_packet.checked_sub(length + STATEMENT_OVERHEAD);
    room.filter(|room| *room > STATEMENT_OVERHEAD).ok_or_else(|| {
        let limit =
            format!("the server's maximum statement size: `max_allowed_packet` is {max_packet}");
        content_too_long(length, &limit)
    })
}

fn content_too_long(length: usize, limit: &str) -> Error {
    Error::new(
        ErrorKind::InvalidContent,
        format!("the content has {length} bytes, more than {limit}"),
    )
}

/// `created_at_us, id`
pub(super) fn item_key(item: &NewItem) -> Vec<Value> {
    vec![item.created_at_us().into(), item.id().get().into()]
}
