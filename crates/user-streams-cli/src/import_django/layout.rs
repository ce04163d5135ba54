//! The two layouts of the original, and the names that Django gives their tables.

use clap::ValueEnum;

/// A backend of the original that stores in a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Layout {
    /// `SingleTableDatabaseBackend`: a row for each item and user.
    SingleTable,
    /// `ManyToManyDatabaseBackend`: a row for each item, and one for each of its users.
    ManyToMany,
}

impl Layout {
    pub(super) const ALL: [Self; 2] = [Self::SingleTable, Self::ManyToMany];

    /// As it is written on the command line.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::SingleTable => "single-table",
            Self::ManyToMany => "many-to-many",
        }
    }

    /// The table of items.
    pub(super) fn items(self) -> &'static str {
        match self {
            Self::SingleTable => "user_streams_single_table_backend_streamitem",
            Self::ManyToMany => "user_streams_many_to_many_backend_streamitem",
        }
    }

    /// The table that says whose an item is: where there is no other, that of the items.
    pub(super) fn deliveries(self) -> &'static str {
        match self {
            Self::SingleTable => self.items(),
            Self::ManyToMany => "user_streams_many_to_many_backend_streamitem_users",
        }
    }
}
