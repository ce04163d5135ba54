//! Making and upgrading the tables.

use std::{sync::Arc, time::Duration};

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, QueryResult,
    Statement, TransactionTrait, TryGetable, Value,
    sea_query::{Alias, DynIden, IntoIden},
};
use sea_orm_migration::{MigrationTrait, MigratorTraitSelf};
use user_streams_core::{Error, ErrorKind, Result};
use uuid::Uuid;

use super::Store;
use crate::{
    Dialect, Schema,
    error::from_db,
    pool::{Access, runtime},
};

/// The migrations of one layout.
type Migrations = fn(&Schema) -> Vec<Box<dyn MigrationTrait>>;

/// The migrations of one backend with a history table of their own, which never meets that of the
/// application.
struct Migrator<'a> {
    schema: &'a Schema,
    migrations: Migrations,
}

impl MigratorTraitSelf for Migrator<'_> {
    fn migrations(&self) -> Vec<Box<dyn MigrationTrait>> {
        (self.migrations)(self.schema)
    }

    fn migration_table_name(&self) -> DynIden {
        Alias::new(format!("{}_migrations", self.schema.table)).into_iden()
    }
}

/// Runs those that have not run, on a connection for itself, which is never cut: it goes on to its
/// end in a task if the caller is gone.
pub(crate) async fn migrate(store: &Arc<Store>, migrations: Migrations) -> Result<()> {
    let runtime = runtime()?;
    // SQLite has one writer.
    let alone = match store.dialect() {
        Dialect::Sqlite => Some(store.pools.lease(Access::Write, store.call()).await?),
        _ => None,
    };
    let store = Arc::clone(store);
    let task = runtime.spawn(async move {
        let (connection, is_ours) = store.pools.sea_orm().await?;
        let migrated = run(&store, &connection, is_ours, migrations).await;
        drop(alone);
        if is_ours {
            // What it did is done.
            let _ = connection.close().await;
        }
        migrated
    });
    task.await.unwrap_or_else(|error| {
        Err(Error::new(ErrorKind::Backend, "the migration ended early").with_source(error))
    })
}

/// Looks first: with nothing to do, a login that may only read is enough, and so is a server that
/// takes no writes.
async fn run(
    store: &Store,
    connection: &DatabaseConnection,
    is_ours: bool,
    migrations: Migrations,
) -> Result<()> {
    let migrator = Migrator { schema: &store.schema, migrations };
    // In a transaction, since without autocommit a read would leave one open.
    let look = connection.begin().await.map_err(from_db)?;
    check_case(&store.schema, &look).await?;
    let pending = migrator.get_pending_migrations_read_only(&look).await.map_err(failed)?;
    if is_ours {
        deallocate(&look).await?;
    }
    look.rollback().await.map_err(from_db)?;
    match pending.is_empty() {
        true => Ok(()),
        false => up(store, connection, is_ours, &migrator).await,
    }
}

/// On PostgreSQL, forgets the statements that this transaction has prepared, on a connection that
/// uses none again: behind a pooler the session goes on with other clients, whose statements have
/// the same names.
async fn deallocate(transaction: &DatabaseTransaction) -> Result<()> {
    const DEALLOCATE: &str = "DO $$ DECLARE made text; BEGIN \
        FOR made IN SELECT name FROM pg_prepared_statements \
        WHERE name LIKE 'sqlx\\_s\\_%' AND prepare_time >= transaction_timestamp() \
        LOOP EXECUTE format('DEALLOCATE %I', made); END LOOP; END $$";
    if transaction.get_database_backend() == DbBackend::Postgres {
        transaction.execute_unprepared(DEALLOCATE).await.map_err(from_db)?;
    }
    Ok(())
}

/// All in one transaction that first takes a lock, since several processes may start at once.
async fn up(
    store: &Store,
    connection: &DatabaseConnection,
    is_ours: bool,
    migrator: &Migrator<'_>,
) -> Result<()> {
    let options = store.dialect().writing_transaction();
    let transaction = connection.begin_with_options(options).await.map_err(from_db)?;
    let lock = MigrationLock::take(store, &transaction).await?;
    let migrated = migrator.up(&transaction, None).await.map_err(failed);
    // MySQL commits at every CREATE TABLE, and keeps its lock beyond a commit.
    let unlocked = lock.release(&transaction).await;
    migrated.and(unlocked)?;
    if is_ours {
        deallocate(&transaction).await?;
    }
    transaction.commit().await.map_err(from_db)
}

/// What a migration that failed means.
fn failed(error: DbErr) -> Error {
    match error {
        // Of the migrator itself: the history has names that it does not know.
        DbErr::Custom(_) => Error::new(
            ErrorKind::Backend,
            "the history of the migrations has some that this version does not know: a newer \
             version has made the \
             tables, or another backend under the same name",
        )
        .with_source(error),
        error => from_db(error),
    }
}

/// Refuses a name that the database takes for that of another one's tables.
async fn check_case(schema: &Schema, on: &DatabaseTransaction) -> Result<()> {
    let (sql, values) = match schema.dialect {
        // The name that is there.
        Dialect::Sqlite => (
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name = ? COLLATE NOCASE",
            vec![schema.table.as_str().into()],
        ),
        // All names are kept, or compared, in lower case.
        Dialect::MySql if schema.table != schema.table.to_lowercase() => (
            "SELECT IF(@@lower_case_table_names = 0, CAST(? AS CHAR), 'the same in lower case')",
            vec![schema.table.as_str().into()],
        ),
        _ => return Ok(()),
    };
    let rows = query(on, sql, values).await?;
    let Some(row) = rows.first() else { return Ok(()) };
    let other: String = row.try_get_by_index(0).map_err(from_db)?;
    if other == schema.table {
        return Ok(());
    }
    let message = format!(
        "table: the database does not tell {:?} from {other:?}, which would be one table: write \
         the option in lower \
         case, or as the table is named that is there",
        schema.table
    );
    Err(Error::new(ErrorKind::InvalidSettings, message))
}

/// The lock that whoever migrates these tables holds.
struct MigrationLock {
    /// On MySQL, whose locks are named, and outlive a transaction.
    name: Option<String>,
}

impl MigrationLock {
    /// Waits as long as a statement may take for others who migrate.
    async fn take(store: &Store, transaction: &DatabaseTransaction) -> Result<Self> {
        let (wait, table) = (store.pools.timeouts.operation, &store.schema.table);
        match store.dialect() {
            // It is a writer already.
            Dialect::Sqlite => Ok(Self { name: None }),
            Dialect::Postgres => {
                let limit = format!("SET LOCAL lock_timeout = {}", wait.as_millis());
                transaction.execute_unprepared(&limit).await.map_err(from_db)?;
                let name = format!("user_streams:{table}");
                let lock = "SELECT pg_advisory_xact_lock(hashtext($1)::bigint)";
                match query(transaction, lock, vec![name.into()]).await {
                    Err(error) if error.kind() == ErrorKind::Conflict => {
                        Err(held(wait, "an advisory lock").with_source(error))
                    }
                    locked => locked.map(|_| Self { name: None }),
                }
            }
            Dialect::MySql => Self::take_named(transaction, table, wait).await,
        }
    }

    /// MySQL's names are the whole server's, so the database's is part of it.
    async fn take_named(
        transaction: &DatabaseTransaction,
        table: &str,
        wait: Duration,
    ) -> Result<Self> {
        let database: Option<String> = first(transaction, "SELECT DATABASE()", Vec::new()).await?;
        let name = lock_name(&database.unwrap_or_default(), table);
        let values = vec![name.as_str().into(), wait.as_secs_f64().into()];
        let got: Option<i64> = first(transaction, "SELECT GET_LOCK(?, ?)", values).await?;
        if got == Some(1) {
            return Ok(Self { name: Some(name) });
        }
        let session = "SELECT CAST(IS_USED_LOCK(?) AS SIGNED)";
        let session: Option<i64> = first(transaction, session, vec![name.as_str().into()]).await?;
        let session =
            session.map_or("no session now".to_owned(), |number| format!("session {number}"));
        Err(held(wait, &format!("the lock {name:?}, which {session} has")))
    }

    async fn release(self, transaction: &DatabaseTransaction) -> Result<()> {
        if let Some(name) = self.name {
            query(transaction, "SELECT RELEASE_LOCK(?)", vec![name.into()]).await?;
        }
        Ok(())
    }
}

fn held(wait: Duration, lock: &str) -> Error {
    let message = format!(
        "another process is migrating, or else holds {lock}: it was not free within {} s \
         (`operation_timeout`)",
        wait.as_secs_f64()
    );
    Error::new(ErrorKind::Timeout, message)
}

async fn query(
    on: &DatabaseTransaction,
    sql: &str,
    values: Vec<Value>,
) -> Result<Vec<QueryResult>> {
    let statement = Statement::from_sql_and_values(on.get_database_backend(), sql, values);
    on.query_all_raw(statement).await.map_err(from_db)
}

/// The value in the first column of the first row.
async fn first<T: TryGetable>(
    on: &DatabaseTransaction,
    sql: &str,
    values: Vec<Value>,
) -> Result<Option<T>> {
    let rows = query(on, sql, values).await?;
    Ok(rows.first().map(|row| row.try_get_by_index(0).map_err(from_db)).transpose()?.flatten())
}

/// At most 64 characters, as MySQL has it.
fn lock_name(database: &str, table: &str) -> String {
    let name = format!("user_streams:{database}.{table}");
    if name.chars().count() <= 64 {
        return name;
    }
    format!("user_streams:{}", Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::lock_name;

    #[test]
    fn names_of_locks_are_of_their_database_and_short_enough() {
        assert_eq!(lock_name("app", "feed"), "user_streams:app.feed");
        let long = [lock_name("a", &"x".repeat(60)), lock_name("b", &"x".repeat(60))];
        assert!(long.iter().all(|name| name.len() <= 64));
        assert_ne!(long[0], long[1]);
    }
}
