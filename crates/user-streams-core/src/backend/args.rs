//! What the operations of a backend take: structs that can grow without breaking a backend.

use std::fmt;

use crate::{Cursor, IntoRecipients, NewItem, Recipients, Result, UserId, UserIdKind};

/// A callback that is told how many users have received the item so far.
pub type Progress = Box<dyn FnMut(u64) + Send>;

/// The argument of [`Backend::add_stream_item`](crate::backend::Backend::add_stream_item): an item
/// that every backend can store, and its recipients.
#[non_exhaustive]
pub struct AddStreamItem {
    /// Who receives the item.
    pub recipients: Recipients,
    /// To be called after each chunk that was sent, if there is one.
    pub on_progress: Option<Progress>,
    item: NewItem,
}

impl AddStreamItem {
    /// One item for these recipients, for a program that calls a backend itself. The limit of
    /// `max_content_len` is that of [`Streams`](crate::Streams) and does not count here.
    ///
    /// # Errors
    /// `InvalidContent` if the content has a NUL character; `InvalidDate`.
    pub fn new(recipients: impl IntoRecipients, item: impl Into<NewItem>) -> Result<Self> {
        let item = item.into();
        item.check(usize::MAX)?;
        Ok(Self::unchecked(recipients.into_recipients(), item))
    }

    /// The same with a callback.
    #[must_use]
    pub fn with_on_progress(mut self, on_progress: Option<Progress>) -> Self {
        self.on_progress = on_progress;
        self
    }

    /// What the recipients receive.
    pub fn item(&self) -> &NewItem {
        &self.item
    }

    /// The recipients, the item and the callback, to be consumed.
    pub fn into_parts(self) -> (Recipients, NewItem, Option<Progress>) {
        (self.recipients, self.item, self.on_progress)
    }

    /// For core, which checks when the add is awaited.
    pub(crate) fn unchecked(recipients: Recipients, item: NewItem) -> Self {
        Self { recipients, on_progress: None, item }
    }

    /// Checks the item and the ids that are at hand, before any I/O.
    pub(crate) fn check(&self, kind: UserIdKind, max_content_len: usize) -> Result<()> {
        self.item.check(max_content_len)?;
        self.recipients.check(kind)
    }

    pub(crate) fn map_item(mut self, change: impl FnOnce(NewItem) -> NewItem) -> Self {
        self.item = change(self.item);
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

/// What [`Backend::repair_stream`](super::Backend::repair_stream) takes.
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
