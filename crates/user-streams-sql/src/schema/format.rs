//! Of which layout and for which user ids the tables are.

use sea_orm::DbErr;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait::async_trait};

use crate::Schema;

/// The migration whose name says of which layout and for which kind of user ids the tables are, so
/// that another backend, or one with another `user_id`, finds a history that it does not know. On
/// MySQL it would read the streams of other users: a number equals a text that begins with it, and
/// 0 equals most. Every layout has it, after those that create the tables.
pub fn format_migration(schema: &Schema) -> Box<dyn MigrationTrait> {
    let Schema { layout, user_id, table, .. } = schema;
    Box::new(Format { name: format!("m20261126_000003_{layout}_of_{user_id}_in_{table}") })
}

struct Format {
    name: String,
}

impl MigrationName for Format {
    fn name(&self) -> &str {
        &self.name
    }
}

#[async_trait]
impl MigrationTrait for Format {
    async fn up(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Ok(())
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Ok(())
    }
}
