//! The backend: the shared one with this layout, and its migrations.

use user_streams_core::{Name, Result, UserIdKind};
use user_streams_sql::{Dialect, Layout, Schema, SqlBackend, sea_orm_migration::MigrationTrait};

use crate::{ManyToManyConfig, migration};

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

/// The migrations, for an application that runs them in its own migrator. Such an application must
/// not call `migrate` too, which has a history of its own.
///
/// # Errors
/// `InvalidSettings` if a name in the configuration is malformed.
pub fn migrations(
    dialect: Dialect,
    config: &ManyToManyConfig,
) -> Result<Vec<Box<dyn MigrationTrait>>> {
    Ok(ManyToMany::migrations(&Schema::new::<ManyToMany>(dialect, config)?))
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
    config: &ManyToManyConfig,
    feed: &Name,
    user_id: UserIdKind,
) -> Result<Vec<Box<dyn MigrationTrait>>> {
    let schema = Schema::new::<ManyToMany>(dialect, config)?.feed(feed, user_id)?;
    Ok(ManyToMany::migrations(&schema))
}
