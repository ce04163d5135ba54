//! What adds and removes items for several users.

use std::fmt;

use crate::{Cursor, IntoRecipients, NewItem, Recipients, Result, UserId};

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

/// The argument of [`Backend::bulk_add`](crate::backend::Backend::bulk_add): items, each with the
/// user whose stream it is put into.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BulkAdd {
    rows: Vec<(UserId, NewItem)>,
}

impl BulkAdd {
    /// These rows, in any order; a user may have several, and a row may be there twice.
    ///
    /// # Errors
    /// `InvalidContent` if a content has a NUL character; `InvalidDate`.
    pub fn new(rows: Vec<(UserId, NewItem)>) -> Result<Self> {
        rows.iter().try_for_each(|(_, item)| item.check(usize::MAX))?;
        Ok(Self { rows })
    }

    /// The rows.
    pub fn rows(&self) -> &[(UserId, NewItem)] {
        &self.rows
    }

    /// The rows, to be consumed.
    pub fn into_rows(self) -> Vec<(UserId, NewItem)> {
        self.rows
    }
}

/// The argument of [`Backend::remove_stream_item`](crate::backend::Backend::remove_stream_item).
#[derive(Debug)]
#[non_exhaustive]
pub struct RemoveStreamItem {
    /// From whose streams.
    pub recipients: Recipients,
    /// Which item.
    pub item: Cursor,
}

impl RemoveStreamItem {
    /// The item at `item`, from the streams of these users.
    pub fn new(recipients: impl IntoRecipients, item: Cursor) -> Self {
        Self { recipients: recipients.into_recipients(), item }
    }
}
