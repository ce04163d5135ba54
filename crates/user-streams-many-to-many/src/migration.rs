//! The tables.

use user_streams_sql::{
    Dialect, Schema, format_migration, identity_migration, marks_migration,
    sea_orm::{ConnectionTrait, DbErr},
    sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait::async_trait},
};

/// All migrations, oldest first.
pub(crate) fn all(schema: &Schema) -> Vec<Box<dyn MigrationTrait>> {
    vec![
        CreateTables::boxed(schema),
        identity_migration(schema),
        format_migration(schema),
        marks_migration(schema),
    ]
}

struct CreateTables {
    /// It has the table's name, since an application may have migrations for several tables.
    name: String,
    schema: Schema,
}

impl CreateTables {
    fn boxed(schema: &Schema) -> Box<dyn MigrationTrait> {
        let name = format!("m20261122_000001_create_{}", schema.table);
        Box::new(Self { name, schema: schema.clone() })
    }
}

impl MigrationName for CreateTables {
    fn name(&self) -> &str {
        &self.name
    }
}

#[async_trait]
impl MigrationTrait for CreateTables {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let schema = &self.schema;
        let dialect = schema.dialect;
        // A delivery consists of its primary key, so an index-organized table has less than half
        // the size. On SQLite a strict table rejects a text as an integer id.
        let (options, clustered) = match dialect {
            Dialect::Sqlite => (" STRICT", " WITHOUT ROWID, STRICT"),
            Dialect::MySql => (" ENGINE = InnoDB", " ENGINE = InnoDB"),
            _ => ("", ""),
        };
        let items = format!(
            "CREATE TABLE {items} (id {integer} NOT NULL, created_at_us {integer} NOT NULL, \
             content {content} NOT NULL, \
             PRIMARY KEY (id, created_at_us)){options}",
            integer = dialect.integer_type(),
            items = schema.quote(&schema.items_table()),
            content = dialect.content_type(),
        );
        let deliveries = format!(
            "CREATE TABLE {table} (user_id {user_id} NOT NULL, created_at_us {integer} NOT NULL, \
             id {integer} NOT NULL, \
             PRIMARY KEY (user_id, created_at_us, id){users}){clustered}",
            integer = dialect.integer_type(),
            table = schema.quote(&schema.table),
            user_id = dialect.user_id_type(schema.user_id),
            users = schema.users_foreign_key(),
        );
        for sql in [items, deliveries] {
            manager.get_connection().execute_unprepared(&sql).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [self.schema.table.clone(), self.schema.items_table()] {
            let sql = format!("DROP TABLE {}", self.schema.quote(&table));
            manager.get_connection().execute_unprepared(&sql).await?;
        }
        Ok(())
    }
}
