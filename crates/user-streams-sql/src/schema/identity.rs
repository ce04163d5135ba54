//! The id of a database, which shows whether a transaction of the application is on the same one.

use sea_orm::{ConnectionTrait, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait::async_trait};

use crate::{Dialect, Schema};

/// The migration that gives the database an id, in a table of one row. Every layout has it.
pub fn identity_migration(schema: &Schema) -> Box<dyn MigrationTrait> {
    let name = format!("m20261125_000002_create_{}", schema.identity_table());
    Box::new(CreateIdentity { name, schema: schema.clone() })
}

struct CreateIdentity {
    name: String,
    schema: Schema,
}

impl CreateIdentity {
    fn table(&self) -> String {
        self.schema.quote(&self.schema.identity_table())
    }
}

impl MigrationName for CreateIdentity {
    fn name(&self) -> &str {
        &self.name
    }
}

#[async_trait]
impl MigrationTrait for CreateIdentity {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = self.table();
        let options = match self.schema.dialect {
            Dialect::Sqlite => " STRICT",
            Dialect::MySql => " ENGINE = InnoDB",
            Dialect::Postgres => "",
        };
        // Strict tables of SQLite do not accept VARCHAR; a key of MySQL cannot be TEXT.
        let text = if self.schema.dialect == Dialect::Sqlite { "TEXT" } else { "VARCHAR(32)" };
        let create = format!("CREATE TABLE {table} (id {text} NOT NULL PRIMARY KEY){options}");
        let insert = format!("INSERT INTO {table} (id) VALUES ('{:032x}')", fastrand::u128(..));
        for sql in [create, insert] {
            manager.get_connection().execute_unprepared(&sql).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sql = format!("DROP TABLE {}", self.table());
        manager.get_connection().execute_unprepared(&sql).await.map(drop)
    }
}
