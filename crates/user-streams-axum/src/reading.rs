//! What is read of a stream by several kinds of answers.

use chrono::{DateTime, Utc};
use futures_util::future::try_join;
use user_streams_core::{Cursor, ErrorKind, ItemId, Result, StreamItem, StreamItems};

/// How much is unseen and unread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) unseen: usize,
    pub(crate) unread: usize,
    /// Where counting stops: so many are that many or more.
    pub(crate) limit: usize,
}

impl Counts {
    pub(crate) async fn of(items: &StreamItems, limit: usize) -> Result<Self> {
        let (unseen, unread) = try_join(items.unseen(limit), items.unread(limit)).await?;
        Ok(Self { unseen, unread, limit })
    }
}

/// Which of the items are read, as far as the backend has marks.
pub(crate) async fn are_read(
    items: &StreamItems,
    shown: &[StreamItem],
) -> Result<Vec<Option<bool>>> {
    match items.are_read(shown).await {
        Ok(read) => Ok(read.into_iter().map(Some).collect()),
        Err(error) if error.kind() == ErrorKind::Unsupported => Ok(vec![None; shown.len()]),
        Err(error) => Err(error),
    }
}

/// From where on the events go for one who has the first page: its newest item that is not still to
/// come, since what comes before such a one would be missed; without any, the beginning.
pub(crate) fn resume_place(first_page: &[StreamItem]) -> Cursor {
    let now = Utc::now();
    let newest = first_page.iter().find(|item| item.created_at <= now);
    newest.map_or_else(beginning, StreamItem::cursor)
}

/// The place before all others.
fn beginning() -> Cursor {
    let id = ItemId::try_from(1).unwrap_or_else(|_| ItemId::generate());
    Cursor::new(DateTime::<Utc>::MIN_UTC, id)
}
