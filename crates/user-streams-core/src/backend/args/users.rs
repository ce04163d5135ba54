//! What lists users.

use std::fmt;

use crate::UserId;

/// A place in the list of users: opaque, of the backend that returned it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UsersCursor(String);

impl UsersCursor {
    /// The place that a backend describes so.
    pub fn new(place: impl Into<String>) -> Self {
        Self(place.into())
    }

    /// What the backend has described it by.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UsersCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The argument of [`Backend::list_users`](crate::backend::Backend::list_users).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ListUsers {
    /// From here on; from the beginning without.
    pub after: Option<UsersCursor>,
    /// About how many.
    pub limit: u64,
}

impl ListUsers {
    /// The first users, about `limit` of them.
    pub fn new(limit: u64) -> Self {
        Self { after: None, limit }
    }

    /// Those from a place on that an earlier part of the list has named.
    #[must_use]
    pub fn after(mut self, cursor: UsersCursor) -> Self {
        self.after = Some(cursor);
        self
    }
}

/// A part of the list of users who have a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UsersPage {
    /// The users, in no particular order.
    pub users: Vec<UserId>,
    /// From where on there may be more; `None` at the end.
    pub next: Option<UsersCursor>,
}

impl UsersPage {
    /// These users, and where the list goes on.
    pub fn new(users: Vec<UserId>, next: Option<UsersCursor>) -> Self {
        Self { users, next }
    }
}
