//! The backend: reading, and the rest of the contract. Adding is in `fan_out`, making the tables in `migrate`.

use std::marker::PhantomData;

use sea_orm::{DatabaseConnection, QueryResult, Value};
use user_streams_core::{
    AddStreamItem, Backend, Capabilities, Capability, CountQuery, Cursor, DeleteStream, Delivered, Error,
    Position, Result, StreamItem, StreamQuery, UserId, async_trait,
};

use crate::{
    Dialect, Layout, Schema, SqlConfig,
    connect::{self, Pools},
    database::{Database, On},
    error::from_db,
    fan_out::again,
    group::Group,
    statements::{ItemStatements, Statements},
    values,
};

/// A SQL backend of one layout. The backend crates give it its name: `SingleTableBackend`, `ManyToManyBackend`.
#[derive(Debug)]
pub struct SqlBackend<L> {
    pub(crate) database: Database,
    pub(crate) schema: Schema,
    pub(crate) statements: Statements,
    pub(crate) group: Option<Group>,
    layout: PhantomData<L>,
}

impl<L: Layout> SqlBackend<L> {
    /// Opens a pool of its own. On SQLite it sets WAL mode, `synchronous` as the option says, and foreign keys on; on MySQL the isolation
    /// level READ COMMITTED.
    ///
    /// # Errors
    /// `InvalidSettings` for a malformed URL or option; `Connection`, `Timeout` or `Corrupt` if there is no usable database.
    pub async fn connect(config: SqlConfig) -> Result<Self> {
        let pools = connect::open(&config, config.timeouts()?).await.map_err(named::<L>)?;
        Self::over(pools, config)
    }

    /// Uses the application's own pool, as it is set up. Of the configuration, the URL and the pool's size do not count.
    ///
    /// # Errors
    /// `InvalidSettings` for a malformed option.
    pub fn new(connection: DatabaseConnection, config: SqlConfig) -> Result<Self> {
        Self::over(Pools::given(connection), config)
    }

    fn over(pools: Pools, config: SqlConfig) -> Result<Self> {
        let database = Database::new(pools, config.timeouts()?).map_err(named::<L>)?;
        let schema = Schema::new::<L>(database.dialect, &config).map_err(named::<L>)?;
        let group = Group::new::<L>(&database, &schema);
        Ok(Self { statements: Statements::new::<L>(&schema), group, database, schema, layout: PhantomData })
    }

    /// The database that it uses.
    pub fn connection(&self) -> &DatabaseConnection {
        self.database.pool()
    }

    fn user(&self, user: &UserId) -> Result<Value> {
        user.check(self.schema.user_id)?;
        Ok(values::user(self.schema.dialect, user))
    }

    fn keyset(&self, user: Value, cursor: Cursor, limit: Value) -> Vec<Value> {
        let at = Value::from(cursor.created_at_us());
        let mut values = vec![user, at.clone()];
        if self.schema.dialect == Dialect::MySql {
            values.push(at);
        }
        values.extend([cursor.id().get().into(), limit]);
        values
    }
}

fn named<L: Layout>(error: Error) -> Error {
    error.with_backend(L::NAME)
}

#[async_trait]
impl<L: Layout> Backend for SqlBackend<L> {
    fn capabilities(&self) -> Capabilities {
        let capabilities = Capabilities::new(L::NAME, self.schema.user_id)
            .with(Capability::Migrate)
            .with(Capability::DeleteStream)
            .with(Capability::AtomicBroadcast)
            .with(Capability::Durable);
        if L::SEPARATE_ITEMS { capabilities.with(Capability::Purge) } else { capabilities }
    }

    async fn add_stream_item(&self, args: AddStreamItem) -> Result<Delivered> {
        self.fan_out(args).await
    }

    async fn get_stream_items(&self, query: StreamQuery) -> Result<Vec<StreamItem>> {
        let user = self.user(&query.user)?;
        let limit = number(query.limit);
        let (sql, values) = match query.position {
            Position::Offset(offset) => (&self.statements.page, vec![user, limit, number(offset)]),
            Position::After(cursor) => (&self.statements.page_after, self.keyset(user, cursor, limit)),
            Position::Before(cursor) => (&self.statements.page_before, self.keyset(user, cursor, limit)),
        };
        let rows = self.database.query(self.database.read(), sql, values).await?;
        let mut items = rows.iter().map(item).collect::<Result<Vec<_>>>()?;
        // The statement chooses the rows; their order is made here, where it needs no plan. It costs nothing on rows in order.
        items.sort_unstable_by_key(|item| std::cmp::Reverse(item.cursor()));
        Ok(items)
    }

    async fn count_stream_items(&self, query: CountQuery) -> Result<u64> {
        let user = self.user(&query.user)?;
        let rows = self.database.query(self.database.read(), &self.statements.count, vec![user]).await?;
        let count: Option<i64> =
            rows.first().map(|row| row.try_get_by_index(0).map_err(from_db)).transpose()?;
        Ok(count.and_then(|count| count.try_into().ok()).unwrap_or_default())
    }

    async fn migrate(&self) -> Result<()> {
        self.run_migrations().await
    }

    async fn delete_stream(&self, args: DeleteStream) -> Result<u64> {
        let user = self.user(&args.user)?;
        let _turn = self.database.write_turn().await?;
        if self.database.reads_committed() {
            return self.database.execute(self.database.write(), &self.statements.delete, vec![user]).await;
        }
        let mut transaction = self.database.begin().await?;
        let on = On::Transaction(&mut transaction);
        let deleted = self.database.execute(on, &self.statements.delete, vec![user]).await?;
        self.database.commit(transaction).await?;
        Ok(deleted)
    }

    async fn purge(&self) -> Result<u64> {
        match &self.statements.items {
            Some(items) => self.purge_items(items).await,
            None => Err(Error::unsupported(L::NAME, "purge")),
        }
    }

    async fn close(&self) -> Result<()> {
        self.database.close().await
    }
}

impl<L: Layout> SqlBackend<L> {
    /// Deletes the items without a delivery. An add may find its item stored already, by an earlier try, and must not lose it to this. SQLite
    /// has no other writer meanwhile. Elsewhere an item is held first, so that no add can begin with it; then it is looked at again,
    /// for an add that has ended; then it goes.
    async fn purge_items(&self, items: &ItemStatements) -> Result<u64> {
        let _turn = self.database.write_turn().await?;
        let Some(hold) = &items.hold_orphans else {
            return self.database.execute(self.database.write(), &items.purge, Vec::new()).await;
        };
        let (mut purged, mut tries) = (0, 1);
        loop {
            match self.purge_some(hold, &items.purge).await {
                Ok(0) => return Ok(purged),
                Ok(gone) => purged += gone,
                Err(error) if again(&error, &mut tries) => {}
                Err(error) => return Err(error),
            }
        }
    }

    async fn purge_some(&self, hold: &str, purge: &str) -> Result<u64> {
        let mut transaction = self.database.begin().await?;
        let held = self.database.query(On::Transaction(&mut transaction), hold, Vec::new()).await?;
        let number = |row: &QueryResult, index| row.try_get_by_index(index).map_err(from_db);
        let held =
            held.iter().map(|row| Ok((number(row, 0)?, number(row, 1)?))).collect::<Result<Vec<_>>>()?;
        let keys = values::item_keys(self.schema.dialect, &held);
        let gone = self.database.execute(On::Transaction(&mut transaction), purge, keys).await?;
        self.database.commit(transaction).await?;
        Ok(gone)
    }
}

/// A limit or an offset. No database has more rows than fit.
fn number(number: u64) -> Value {
    i64::try_from(number).unwrap_or(i64::MAX).into()
}

fn item(row: &QueryResult) -> Result<StreamItem> {
    let get = |index| row.try_get_by_index::<i64>(index).map_err(from_db);
    StreamItem::from_stored(get(0)?, get(1)?, row.try_get_by_index(2).map_err(from_db)?)
}
