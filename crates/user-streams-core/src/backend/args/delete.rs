//! What deletes from one stream.

use crate::{Cursor, UserId};

/// The argument of [`Backend::delete_stream`](crate::backend::Backend::delete_stream).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct DeleteStream {
    /// Whose stream.
    pub user: UserId,
}

impl DeleteStream {
    /// The whole stream of a user.
    pub fn new(user: UserId) -> Self {
        Self { user }
    }
}

/// The argument of [`Backend::repair_stream`](crate::backend::Backend::repair_stream).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct RepairStream {
    /// Whose stream.
    pub user: UserId,
}

impl RepairStream {
    /// The whole stream of `user`.
    pub fn new(user: UserId) -> Self {
        Self { user }
    }
}

/// The argument of [`Backend::delete_range`](crate::backend::Backend::delete_range).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct DeleteRange {
    /// Whose stream.
    pub user: UserId,
    /// Only items newer than the one here, which stays.
    pub newer_than: Option<Cursor>,
    /// Only items older than the one here, which stays.
    pub older_than: Option<Cursor>,
}

impl DeleteRange {
    /// The whole stream of `user`.
    pub fn new(user: UserId) -> Self {
        Self { user, newer_than: None, older_than: None }
    }

    /// Only what is newer than `cursor`.
    #[must_use]
    pub fn newer_than(mut self, cursor: Cursor) -> Self {
        self.newer_than = Some(cursor);
        self
    }

    /// Only what is older than `cursor`.
    #[must_use]
    pub fn older_than(mut self, cursor: Cursor) -> Self {
        self.older_than = Some(cursor);
        self
    }
}
