//! The backend: the shared one with this layout.

use user_streams_sql::{Layout, Schema, SqlBackend, sea_orm_migration::MigrationTrait};

use crate::migration;

/// Streams in one table, a row per delivery.
pub type SingleTableBackend = SqlBackend<SingleTable>;

/// A row has a delivery and its item.
#[derive(Debug, Default)]
pub struct SingleTable;

impl Layout for SingleTable {
    const NAME: &'static str = "single-table";
    const TABLE: &'static str = "user_streams_single_table";
    const SEPARATE_ITEMS: bool = false;

    fn migrations(schema: &Schema) -> Vec<Box<dyn MigrationTrait>> {
        migration::all(schema)
    }
}
