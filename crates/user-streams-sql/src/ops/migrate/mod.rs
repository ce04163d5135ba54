//! Creating and upgrading the tables.

mod lock;
mod query;

use std::sync::Arc;

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, TransactionTrait,
    sea_query::{Alias, DynIden, IntoIden},
};
use sea_orm_migration::{MigrationTrait, MigratorTraitSelf};
use user_streams_core::{Error, ErrorKind, Result};

use self::{lock::MigrationLock, query::query};
use super::Store;
use crate::{
    Dialect, Schema,
    error::from_db,
    pool::{Access, runtime},
};

/// The migrations of one layout.
type Migrations = fn(&Schema) -> Vec<Box<dyn MigrationTrait>>;

/// The migrations of one backend, with a history table of their own apart from the application's.
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

/// Runs pending migrations on a connection of their own, in a task: they run to their end even if
/// the call is dropped.
pub(crate) async fn migrate(store: &Arc<Store>, migrations: Migrations) -> Result<()> {
    let runtime = runtime()?;
    // SQLite has one writer.
    let write_lease = match store.dialect() {
        Dialect::Sqlite => Some(store.pools.lease(Access::Write, store.call_limits()).await?),
        _ => None,
    };
    let store = Arc::clone(store);
    let task = runtime.spawn(async move {
        let (connection, is_owned) = store.pools.sea_orm().await?;
        let migrated = run(&store, &connection, is_owned, migrations).await;
        drop(write_lease);
        if is_owned {
            // The result does not depend on the goodbye.
            let _ = connection.close().await;
        }
        migrated
    });
    task.await.unwrap_or_else(|error| {
        Err(Error::new(ErrorKind::Backend, "the migration ended early").with_source(error))
    })
}

/// Reads the history first: if nothing is pending, a login without write privileges or a read-only
/// server is enough.
async fn run(
    store: &Store,
    connection: &DatabaseConnection,
    is_owned: bool,
    migrations: Migrations,
) -> Result<()> {
    let migrator = Migrator { schema: &store.schema, migrations };
    // In a transaction, since without autocommit a read would leave one open.
    let reading = connection.begin().await.map_err(from_db)?;
    check_case(&store.schema, &reading).await?;
    let pending = migrator.get_pending_migrations_read_only(&reading).await.map_err(failed)?;
    if is_owned {
        deallocate(&reading).await?;
    }
    reading.rollback().await.map_err(from_db)?;
    match pending.is_empty() {
        true => Ok(()),
        false => up(store, connection, is_owned, &migrator).await,
    }
}

/// On PostgreSQL, deallocates the statements that this transaction has prepared: behind a pooler
/// the session is used by other clients next, whose statements have the same names.
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

/// Runs all in one transaction, under a lock, since several processes may start at once.
async fn up(
    store: &Store,
    connection: &DatabaseConnection,
    is_owned: bool,
    migrator: &Migrator<'_>,
) -> Result<()> {
    let options = store.dialect().write_transaction_options();
    let transaction = connection.begin_with_options(options).await.map_err(from_db)?;
    let lock = MigrationLock::take(store, &transaction).await?;
    let migrated = migrator.up(&transaction, None).await.map_err(failed);
    // MySQL commits at every CREATE TABLE, and its lock outlives a commit.
    let unlocked = lock.release(&transaction).await;
    migrated.and(unlocked)?;
    if is_owned {
        deallocate(&transaction).await?;
    }
    transaction.commit().await.map_err(from_db)
}

/// The error of a failed migration.
fn failed(error: DbErr) -> Error {
    match error {
        // From the migrator itself: the history has migrations that it does not know.
        DbErr::Custom(_) => Error::new(
            ErrorKind::Backend,
            "the history has migrations that this version does not know: a newer version has \
             created the tables, or another backend of the same table name, or one with another \
             `user_id`",
        )
        .with_source(error),
        error => from_db(error),
    }
}

/// Refuses a table name that the database does not distinguish from an existing one.
async fn check_case(schema: &Schema, transaction: &DatabaseTransaction) -> Result<()> {
    let (sql, values) = match schema.dialect {
        // The name of the existing table.
        Dialect::Sqlite => (
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name = ? COLLATE NOCASE",
            vec![schema.table.as_str().into()],
        ),
        // Names are stored, or compared, in lower case.
        Dialect::MySql if schema.table != schema.table.to_lowercase() => (
            "SELECT IF(@@lower_case_table_names = 0, CAST(? AS CHAR), 'the same in lower case')",
            vec![schema.table.as_str().into()],
        ),
        _ => return Ok(()),
    };
    let rows = query(transaction, sql, values).await?;
    let Some(row) = rows.first() else { return Ok(()) };
    let other: String = row.try_get_by_index(0).map_err(from_db)?;
    if other == schema.table {
        return Ok(());
    }
    let message = format!(
        "table: the database does not distinguish {:?} from {other:?}: write the option in lower \
         case, or like the existing table",
        schema.table
    );
    Err(Error::new(ErrorKind::InvalidSettings, message))
}
