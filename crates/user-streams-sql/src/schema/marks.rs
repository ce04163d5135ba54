//! The table of the users' marks.

use sea_orm::{ConnectionTrait, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait::async_trait};

use crate::{Dialect, Schema};

/// The migration that creates the table of the users' marks. Every layout has it, last, since
/// earlier versions have made their tables without it.
pub fn marks_migration(schema: &Schema) -> Box<dyn MigrationTrait> {
    let name = format!("m20261126_000004_create_{}", schema.marks_table());
    Box::new(CreateMarks { name, schema: schema.clone() })
}

struct CreateMarks {
    name: String,
    schema: Schema,
}

impl MigrationName for CreateMarks {
    fn name(&self) -> &str {
        &self.name
    }
}

#[async_trait]
impl MigrationTrait for CreateMarks {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let schema = &self.schema;
        let dialect = schema.dialect;
        let options = match dialect {
            Dialect::Sqlite => " WITHOUT ROWID, STRICT",
            Dialect::MySql => " ENGINE = InnoDB",
            Dialect::Postgres => "",
        };
        let sql = format!(
            "CREATE TABLE {table} (user_id {user_id} NOT NULL, name {name} NOT NULL, \
             created_at_us {integer} NOT NULL, id {integer} NOT NULL, \
             PRIMARY KEY (user_id, name){users}){options}",
            table = schema.quote(&schema.marks_table()),
            user_id = dialect.user_id_type(schema.user_id),
            name = dialect.name_type(),
            integer = dialect.integer_type(),
            users = schema.marks_foreign_key(),
        );
        manager.get_connection().execute_unprepared(&sql).await.map(drop)
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sql = format!("DROP TABLE {}", self.schema.quote(&self.schema.marks_table()));
        manager.get_connection().execute_unprepared(&sql).await.map(drop)
    }
}
