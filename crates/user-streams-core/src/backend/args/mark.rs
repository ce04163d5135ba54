//! What reads and moves marks.

use crate::{Cursor, Name, UserId};

/// The argument of [`Backend::mark`](crate::backend::Backend::mark).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct MarkQuery {
    /// Whose mark.
    pub user: UserId,
    /// Which of the user's marks.
    pub name: Name,
}

impl MarkQuery {
    /// The mark of `user` that has this name.
    pub fn new(user: UserId, name: Name) -> Self {
        Self { user, name }
    }
}

/// The argument of [`Backend::set_mark`](crate::backend::Backend::set_mark).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct SetMark {
    /// Whose mark.
    pub user: UserId,
    /// Which of the user's marks.
    pub name: Name,
    /// Where to; nowhere, if the mark is removed.
    pub to: Option<Cursor>,
    /// Whether it may move back, to an older place or to none.
    pub back: bool,
}

impl SetMark {
    /// Forward to `to`; a mark that is there already, or further, stays.
    pub fn new(user: UserId, name: Name, to: Cursor) -> Self {
        Self { user, name, to: Some(to), back: false }
    }

    /// Nowhere, as if it had never been set.
    pub fn remove(user: UserId, name: Name) -> Self {
        Self { user, name, to: None, back: true }
    }

    /// The same, also back.
    #[must_use]
    pub fn with_back(mut self, back: bool) -> Self {
        self.back = back;
        self
    }
}
