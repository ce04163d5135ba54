//! The backend: the shared one with this layout.

use user_streams_sql::SqlBackend;

use crate::SingleTable;

/// Streams in one table, a row per delivery.
pub type SingleTableBackend = SqlBackend<SingleTable>;
