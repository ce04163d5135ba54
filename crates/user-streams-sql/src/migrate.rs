//! Making and upgrading the tables.

use sea_orm::{
    DatabaseTransaction,
    sea_query::{Alias, DynIden, IntoIden},
};
use sea_orm_migration::{MigrationTrait, MigratorTraitSelf};
use user_streams_core::{Error, ErrorKind, Result};

use crate::{Dialect, Layout, Schema, SqlBackend, connections, error::from_db};

/// The migrations of one backend with a history table of their own, which never meets that of the application.
struct Migrator<'a> {
    schema: &'a Schema,
    migrations: fn(&Schema) -> Vec<Box<dyn MigrationTrait>>,
}

impl MigratorTraitSelf for Migrator<'_> {
    fn migrations(&self) -> Vec<Box<dyn MigrationTrait>> {
        (self.migrations)(self.schema)
    }

    fn migration_table_name(&self) -> DynIden {
        Alias::new(format!("{}_migrations", self.schema.table)).into_iden()
    }
}

impl<L: Layout> SqlBackend<L> {
    /// All in one transaction that first takes a lock, since several processes may start at once.
    pub(crate) async fn run_migrations(&self) -> Result<()> {
        let _turn = self.database.write_turn().await?;
        let transaction = self.database.begin_by_sea_orm().await?;
        self.lock(&transaction).await?;
        let migrator = Migrator { schema: &self.schema, migrations: L::migrations };
        let migrated = migrator.up(&transaction, None).await.map_err(|error| {
            Error::new(ErrorKind::Backend, "the migration failed; if the tables are there already because an application's own migrator made them, do not call `migrate` too")
                .with_source(error)
        });
        // MySQL commits at every CREATE TABLE, and keeps its lock beyond a commit.
        let unlocked = self.unlock(&transaction).await;
        migrated.and(unlocked)?;
        self.database.timed(transaction.commit()).await
    }

    async fn lock(&self, transaction: &DatabaseTransaction) -> Result<()> {
        let lock = match self.schema.dialect {
            // It is a writer already.
            Dialect::Sqlite => return Ok(()),
            Dialect::Postgres => "SELECT pg_advisory_xact_lock(hashtext($1)::bigint)",
            Dialect::MySql => "SELECT GET_LOCK(?, ?)",
        };
        let mut values = vec![self.lock_name().into()];
        if self.schema.dialect == Dialect::MySql {
            // The server gives up before this side does, and says so.
            values.push((self.database.timeouts.statement.as_secs_f64() / 2.0).into());
        }
        let rows = self.database.timed(connections::query(transaction, lock, values)).await?;
        if self.schema.dialect == Dialect::MySql {
            let got: Option<i64> =
                rows.first().map(|row| row.try_get_by_index(0).map_err(from_db)).transpose()?.flatten();
            if got != Some(1) {
                return Err(Error::new(ErrorKind::Timeout, "another process is migrating"));
            }
        }
        Ok(())
    }

    async fn unlock(&self, transaction: &DatabaseTransaction) -> Result<()> {
        if self.schema.dialect != Dialect::MySql {
            return Ok(());
        }
        let unlock = connections::query(transaction, "SELECT RELEASE_LOCK(?)", vec![self.lock_name().into()]);
        self.database.timed(unlock).await.map(|_| ())
    }

    /// At most 64 characters, as MySQL has it.
    fn lock_name(&self) -> String {
        format!("user_streams:{}", self.schema.table)
    }
}
