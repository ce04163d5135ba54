//! The table.

use user_streams_sql::{
    Dialect, Schema, format_migration, identity_migration, marks_migration,
    sea_orm::{ConnectionTrait, DbErr},
    sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait::async_trait},
};

/// All migrations, oldest first.
pub(crate) fn all(schema: &Schema) -> Vec<Box<dyn MigrationTrait>> {
    vec![
        CreateTable::boxed(schema),
        identity_migration(schema),
        format_migration(schema),
        marks_migration(schema),
    ]
}

struct CreateTable {
    /// It has the table's name, since an application may have migrations for several tables.
    name: String,
    schema: Schema,
}

impl CreateTable {
    fn boxed(schema: &Schema) -> Box<dyn MigrationTrait> {
        let name = format!("m20261122_000001_create_{}", schema.table);
        Box::new(Self { name, schema: schema.clone() })
    }
}

impl MigrationName for CreateTable {
    fn name(&self) -> &str {
        &self.name
    }
}

#[async_trait]
impl MigrationTrait for CreateTable {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let schema = &self.schema;
        let dialect = schema.dialect;
        // The primary key serves every read, and InnoDB stores the rows in its order. On SQLite a
        // strict table rejects a text as an integer id.
        let options = match dialect {
            Dialect::Sqlite => " STRICT",
            Dialect::MySql => " ENGINE = InnoDB",
            _ => "",
        };
        let sql = format!(
            "CREATE TABLE {table} (user_id {user_id} NOT NULL, created_at_us {integer} NOT NULL, \
             id {integer} NOT NULL, \
             content {content} NOT NULL, PRIMARY KEY (user_id, created_at_us, id){users}){options}",
            table = schema.quote(&schema.table),
            integer = dialect.integer_type(),
            user_id = dialect.user_id_type(schema.user_id),
            content = dialect.content_type(),
            users = schema.users_foreign_key(),
        );
        manager.get_connection().execute_unprepared(&sql).await.map(|_| ())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sql = format!("DROP TABLE {}", self.schema.quote(&self.schema.table));
        manager.get_connection().execute_unprepared(&sql).await.map(|_| ())
    }
}
