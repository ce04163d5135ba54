//! The backend: the shared one with this layout, and its migrations.

use user_streams_core::{Name, Result, UserIdKind};
use user_streams_sql::{Dialect, Layout, Schema, SqlBackend, sea_orm_migration::MigrationTrait};

use crate::{SingleTableConfig, migration};

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

/// The migrations, for an application that runs them in its own migrator. Such an application must
/// not call `migrate` too, which has a history of its own.
///
/// # Errors
/// `InvalidSettings` if a name in the configuration is malformed.
pub fn migrations(
    dialect: Dialect,
    config: &SingleTableConfig,
) -> Result<Vec<Box<dyn MigrationTrait>>> {
    Ok(SingleTable::migrations(&Schema::new::<SingleTable>(dialect, config)?))
}

/// The migrations of a feed, likewise: those that [`Streams::migrate`] runs for a feed that the
/// settings declare. `user_id` is the kind of its users' ids.
///
/// [`Streams::migrate`]: user_streams_core::Streams::migrate
///
/// # Errors
/// As [`migrations`]; `InvalidArgument` if the feed's table cannot have this name.
pub fn feed_migrations(
    dialect: Dialect,
    config: &SingleTableConfig,
    feed: &Name,
    user_id: UserIdKind,
) -> Result<Vec<Box<dyn MigrationTrait>>> {
    let schema = Schema::new::<SingleTable>(dialect, config)?.feed(feed, user_id)?;
    Ok(SingleTable::migrations(&schema))
}
