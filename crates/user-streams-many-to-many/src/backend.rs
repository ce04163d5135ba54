//! The backend: the shared one with this layout.

use user_streams_sql::{Layout, Schema, SqlBackend, sea_orm_migration::MigrationTrait};

use crate::migration;

/// Streams in two tables: each item once, and a narrow row per delivery.
pub type ManyToManyBackend = SqlBackend<ManyToMany>;

/// A delivery has the key of its item, in the order of the stream.
#[derive(Debug, Default)]
pub struct ManyToMany;

impl Layout for ManyToMany {
    const NAME: &'static str = "many-to-many";
    const TABLE: &'static str = "user_streams_many_to_many";
    const SEPARATE_ITEMS: bool = true;

    fn migrations(schema: &Schema) -> Vec<Box<dyn MigrationTrait>> {
        migration::all(schema)
    }
}
