//! The backend: the shared one with this layout.

use user_streams_sql::SqlBackend;

use crate::ManyToMany;

/// Streams in two tables: each item once, and a narrow row per delivery.
pub type ManyToManyBackend = SqlBackend<ManyToMany>;
