//! The options.

/// The options of [`SingleTableBackend`](crate::SingleTableBackend): those that every SQL backend
/// has.
pub type SingleTableConfig = user_streams_sql::SqlConfig;
