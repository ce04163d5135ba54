//! Making and upgrading the tables.

use std::{sync::Arc, time::Duration};

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, IsolationLevel, QueryResult,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait, Value,
    sea_query::{Alias, DynIden, IntoIden},
};
use sea_orm_migration::{MigrationTrait, MigratorTraitSelf};
use user_streams_core::{Error, ErrorKind, Result};

use super::Store;
use crate::{
    Dialect, Schema,
    error::from_db,
    pool::{Access, runtime},
};

/// The migrations of one layout.
type Migrations = fn(&Schema) -> Vec<Box<dyn MigrationTrait>>;

/// The migrations of one backend with a history table of their own, which never meets that of the application.
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

/// Runs those that have not run, on a connection for itself, which is never cut: it goes on to its end in a task if the
/// caller is gone.
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
        let migrated = run(&store, &connection, migrations).await;
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

/// All in one transaction that first takes a lock, since several processes may start at once.
async fn run(store: &Store, connection: &DatabaseConnection, migrations: Migrations) -> Result<()> {
    let options = TransactionOptions {
        isolation_level: (store.dialect() == Dialect::MySql).then_some(IsolationLevel::ReadCommitted),
        sqlite_transaction_mode: (store.dialect() == Dialect::Sqlite)
            .then_some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    let transaction = connection.begin_with_options(options).await.map_err(from_db)?;
    let wait = store.pools.timeouts.statement;
    lock(store, &transaction, wait).await?;
    let migrator = Migrator { schema: &store.schema, migrations };
    let migrated = migrator.up(&transaction, None).await.map_err(|error| {
        Error::new(ErrorKind::Backend, "the migration failed; if the tables are there already because an application's own migrator made them, do not call `migrate` too")
            .with_source(error)
    });
    // MySQL commits at every CREATE TABLE, and keeps its lock beyond a commit.
    let unlocked = unlock(store, &transaction).await;
    migrated.and(unlocked)?;
    transaction.commit().await.map_err(from_db)
}

/// Waits so long for others who migrate.
async fn lock(store: &Store, transaction: &DatabaseTransaction, wait: Duration) -> Result<()> {
    let name = Value::from(lock_name(store));
    match store.dialect() {
        // It is a writer already.
        Dialect::Sqlite => {}
        Dialect::Postgres => {
            let limit = format!("SET LOCAL lock_timeout = {}", wait.as_millis());
            transaction.execute_unprepared(&limit).await.map_err(from_db)?;
            query(transaction, "SELECT pg_advisory_xact_lock(hashtext($1)::bigint)", vec![name]).await?;
        }
        Dialect::MySql => {
            let rows =
                query(transaction, "SELECT GET_LOCK(?, ?)", vec![name, wait.as_secs_f64().into()]).await?;
            let got: Option<i64> =
                rows.first().map(|row| row.try_get_by_index(0).map_err(from_db)).transpose()?.flatten();
            if got != Some(1) {
                return Err(Error::new(ErrorKind::Timeout, "another process is migrating"));
            }
        }
    }
    Ok(())
}

async fn unlock(store: &Store, transaction: &DatabaseTransaction) -> Result<()> {
    if store.dialect() == Dialect::MySql {
        query(transaction, "SELECT RELEASE_LOCK(?)", vec![lock_name(store).into()]).await?;
    }
    Ok(())
}

async fn query(on: &DatabaseTransaction, sql: &str, values: Vec<Value>) -> Result<Vec<QueryResult>> {
    let statement = Statement::from_sql_and_values(on.get_database_backend(), sql, values);
    on.query_all_raw(statement).await.map_err(from_db)
}

/// At most 64 characters, as MySQL has it.
fn lock_name(store: &Store) -> String {
    format!("user_streams:{}", store.schema.table)
}
