//! The options.

/// The options of [`ManyToManyBackend`](crate::ManyToManyBackend): those that every SQL backend
/// has.
pub type ManyToManyConfig = user_streams_sql::SqlConfig;
