//! What reads and counts.

use crate::{Cursor, Name, UserId};

/// Where in a stream, newest first, a read begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Position {
    /// After skipping this many of the newest items.
    Offset(u64),
    /// Right after the item at the cursor: the next older items.
    After(Cursor),
    /// Right before the item at the cursor: those newer items that are nearest to it, newest first
    /// as always.
    Before(Cursor),
}

/// The argument of [`Backend::get_stream_items`](crate::backend::Backend::get_stream_items).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct StreamQuery {
    /// Whose stream.
    pub user: UserId,
    /// Where to begin.
    pub position: Position,
    /// How many items at the most; `u64::MAX` for all.
    pub limit: u64,
}

impl StreamQuery {
    /// The newest `limit` items of a user.
    pub fn new(user: UserId, limit: u64) -> Self {
        Self { user, position: Position::Offset(0), limit }
    }

    /// The same from another position.
    #[must_use]
    pub fn with_position(mut self, position: Position) -> Self {
        self.position = position;
        self
    }
}

/// The argument of [`Backend::count_stream_items`](crate::backend::Backend::count_stream_items).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct CountQuery {
    /// Whose stream.
    pub user: UserId,
}

impl CountQuery {
    /// All items of a user.
    pub fn new(user: UserId) -> Self {
        Self { user }
    }
}

/// The place that newer items are counted from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Than {
    /// A place, whether or not an item is there.
    Cursor(Cursor),
    /// Where this mark of the same user is; everything is newer than one that was never set. Asked
    /// of a backend that has marks.
    Mark(Name),
}

/// The argument of [`Backend::count_newer`](crate::backend::Backend::count_newer).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct CountNewer {
    /// Whose stream.
    pub user: UserId,
    /// Only items newer than this are counted.
    pub than: Than,
    /// The count stops here.
    pub limit: u64,
}

impl CountNewer {
    /// All items of `user` that are newer than `place`.
    pub fn new(user: UserId, place: Cursor) -> Self {
        Self { user, than: Than::Cursor(place), limit: u64::MAX }
    }

    /// All items of `user` that are newer than where the user's mark of this name is.
    pub fn than_mark(user: UserId, mark: Name) -> Self {
        Self { user, than: Than::Mark(mark), limit: u64::MAX }
    }

    /// The same up to `limit`, which bounds the work as well.
    #[must_use]
    pub fn with_limit(mut self, limit: u64) -> Self {
        self.limit = limit;
        self
    }
}

/// The argument of [`Backend::contains`](crate::backend::Backend::contains).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Contains {
    /// Whose stream, and which item.
    pub pairs: Vec<(UserId, Cursor)>,
}

impl Contains {
    /// These pairs of a user and an item, in any order, and also twice.
    pub fn new(pairs: Vec<(UserId, Cursor)>) -> Self {
        Self { pairs }
    }
}
