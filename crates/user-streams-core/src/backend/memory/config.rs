//! The options of the memory backend.

use serde::Deserialize;

use crate::UserIdKind;

/// The options of [`MemoryBackend`](super::MemoryBackend).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct MemoryConfig {
    /// The kind of user ids, `bigint` by default.
    pub user_id: UserIdKind,
}

impl MemoryConfig {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the kind of user ids.
    #[must_use]
    pub fn with_user_id(mut self, user_id: UserIdKind) -> Self {
        self.user_id = user_id;
        self
    }
}
