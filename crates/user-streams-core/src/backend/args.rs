//! What the operations of a backend take and give: structs that can grow without breaking a
//! backend.

use std::fmt;

use crate::{Cursor, NewItem, Recipients, UserId};

/// A callback that is told how many users have received the item so far.
pub type Progress = Box<dyn FnMut(u64) + Send>;

/// The argument of [`Backend::add_stream_item`](crate::Backend::add_stream_item).
#[non_exhaustive]
pub struct AddStreamItem {
    /// Who receives the item.
    pub recipients: Recipients,
    /// What they receive; it has been checked.
    pub item: NewItem,
    /// To be called after each chunk that was sent, if there is one.
    pub on_progress: Option<Progress>,
}

impl AddStreamItem {
    /// One item for these recipients.
    pub fn new(recipients: Recipients, item: NewItem) -> Self {
        Self { recipients, item, on_progress: None }
    }

    /// The same with a callback.
    #[must_use]
    pub fn with_on_progress(mut self, on_progress: Option<Progress>) -> Self {
        self.on_progress = on_progress;
        self
    }
}

impl fmt::Debug for AddStreamItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AddStreamItem")
            .field("recipients", &self.recipients)
            .field("item", &self.item)
            .finish_non_exhaustive()
    }
}

/// What an add has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivered {
    /// How many users have received the item by this call. A user named twice counts once, and a
    /// user who had this very item already does not count.
    pub users: u64,
}

impl Delivered {
    /// Delivered to this many users.
    pub fn new(users: u64) -> Self {
        Self { users }
    }
}

/// Where in a stream, newest first, a read begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// After skipping this many of the newest items.
    Offset(u64),
    /// Right after the item at the cursor: the next older items.
    After(Cursor),
    /// Right before the item at the cursor: those newer items that are nearest to it, newest first
    /// as always.
    Before(Cursor),
}

/// The argument of [`Backend::get_stream_items`](crate::Backend::get_stream_items).
#[derive(Debug, Clone, PartialEq, Eq)]
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

/// The argument of [`Backend::count_stream_items`](crate::Backend::count_stream_items).
#[derive(Debug, Clone, PartialEq, Eq)]
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

/// The argument of [`Backend::delete_stream`](crate::Backend::delete_stream).
#[derive(Debug, Clone, PartialEq, Eq)]
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
