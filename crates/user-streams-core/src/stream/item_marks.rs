//! Single items that are read or unread against the mark.

use std::sync::Arc;

use crate::{
    Cursor, NewItem, Result, StreamItem, StreamItems, UserId,
    backend::{AddStreamItem, Backend, DeleteRange, Position, RemoveStreamItem},
    feeds::ItemMarks,
    marks::Mark,
    observe::Operation,
    stream::{
        merge::Parts,
        part::{CHUNK, Part},
        view::View,
    },
};

/// With the setting `item_marks`, single items can be read before the mark passes them, or unread
/// after it has. Each is kept, by its place alone, until the mark passes.
impl StreamItems {
    /// Marks one item as read, whatever the mark says.
    ///
    /// ```
    /// # use user_streams_core::{MemoryBackend, Streams};
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let streams = Streams::from_backend(MemoryBackend::default()).with_item_marks(true)?;
    /// # for n in 0..3 { streams.add_stream_item(42, "item").await?; }
    /// let items = streams.get_stream_items(42);
    /// let page = items.cursor_page(10).await?;
    /// items.mark_item_read(page.items[1].cursor()).await?;
    /// assert_eq!(items.are_read(&page.items).await?, [false, true, false]);
    /// items.mark_read().await?;
    /// items.mark_item_unread(page.items[2].cursor()).await?;
    /// assert_eq!(items.are_read(&page.items).await?, [true, true, false]);
    /// # Ok::<(), user_streams_core::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// `Unsupported` without the setting `item_marks`; else those of [`unread`](Self::unread).
    pub async fn mark_item_read(&self, item: Cursor) -> Result<()> {
        self.mark_item(item, true).await
    }

    /// Marks one item as unread, whatever the mark says.
    ///
    /// # Errors
    /// Those of [`mark_item_read`](Self::mark_item_read).
    pub async fn mark_item_unread(&self, item: Cursor) -> Result<()> {
        self.mark_item(item, false).await
    }

    /// Whether each of these items is read, such as those of a page.
    ///
    /// # Errors
    /// Those of [`unread`](Self::unread).
    pub async fn are_read(&self, items: &[StreamItem]) -> Result<Vec<bool>> {
        let handle = self.reader().handle()?;
        let places: Vec<_> = items.iter().map(StreamItem::cursor).collect();
        let are_read = async {
            handle.check(self.user())?;
            let mark = Mark::Read.get(handle, self.user()).await?;
            let mut are_read: Vec<_> = places.iter().map(|place| Some(*place) <= mark).collect();
            if let Some(feeds) = handle.feeds.item_marks_if_on() {
                let user = self.user();
                let read = part(&feeds.read, user).contains(&places).await?;
                let unread = part(&feeds.unread, user).contains(&places).await?;
                for (is_read, (read, unread)) in are_read.iter_mut().zip(read.iter().zip(&unread)) {
                    *is_read = if *is_read { !unread } else { *read };
                }
            }
            Ok(are_read)
        };
        handle.call(Operation::AreRead).of(self.user()).run(are_read).await
    }

    async fn mark_item(&self, item: Cursor, read: bool) -> Result<()> {
        let handle = self.reader().handle()?;
        let user = self.user();
        let marked = async {
            handle.check(user)?;
            let feeds = handle.feeds.item_marks()?;
            let (to, from) =
                if read { (&feeds.read, &feeds.unread) } else { (&feeds.unread, &feeds.read) };
            from.remove_stream_item(RemoveStreamItem::new(user.clone(), item)).await?;
            let is_read = Some(item) <= Mark::Read.get(handle, user).await?;
            if is_read != read {
                let place = NewItem::new("").with_created_at(&item.created_at()).with_id(item.id());
                to.add_stream_item(AddStreamItem::new(user.clone(), place)?).await?;
            }
            Ok(())
        };
        handle.call(Operation::MarkItem).of(user).run(marked).await
    }
}

/// Forgets what the mark passes.
pub(super) async fn forget(feed: &Arc<dyn Backend>, user: &UserId, mark: Cursor) -> Result<()> {
    let passed = DeleteRange::new(user.clone());
    feed.remove_stream_item(RemoveStreamItem::new(user.clone(), mark)).await?;
    feed.delete_range(passed.older_than(mark)).await.map(drop)
}

/// The number of unread items of a view, up to `limit`.
pub(super) async fn unread(
    feeds: &ItemMarks,
    view: &View,
    user: &UserId,
    mark: Option<Cursor>,
    limit: u64,
) -> Result<u64> {
    let read = between(&feeds.read, user, mark, None).await?;
    let read = count_there(view, &read).await?;
    let newer = view.count_newer(mark, limit.saturating_add(read)).await?;
    let newer = newer.saturating_sub(read);
    let Some(mark) = mark.filter(|_| newer < limit) else { return Ok(newer.min(limit)) };
    let unread = between(&feeds.unread, user, None, Some(mark)).await?;
    Ok(newer.saturating_add(count_there(view, &unread).await?).min(limit))
}

async fn count_there(view: &View, places: &[Cursor]) -> Result<u64> {
    let there = view.contains(places).await?;
    Ok(there.iter().filter(|there| **there).count() as u64)
}

/// The places in a feed that are newer than one, and up to another.
async fn between(
    feed: &Arc<dyn Backend>,
    user: &UserId,
    newer_than: Option<Cursor>,
    up_to: Option<Cursor>,
) -> Result<Vec<Cursor>> {
    let parts = Parts { main: part(feed, user), others: Vec::new() };
    let mut places = Vec::new();
    let mut position = Position::Offset(0);
    loop {
        let chunk = parts.read(position, CHUNK).await?;
        let here: Vec<_> = chunk.iter().map(StreamItem::cursor).collect();
        let wanted = here.iter().filter(|place| {
            newer_than.is_none_or(|than| **place > than) && up_to.is_none_or(|end| **place <= end)
        });
        places.extend(wanted);
        match here.last() {
            Some(last)
                if here.len() as u64 == CHUNK && newer_than.is_none_or(|than| *last > than) =>
            {
                position = Position::After(*last);
            }
            _ => return Ok(places),
        }
    }
}

fn part(feed: &Arc<dyn Backend>, user: &UserId) -> Part {
    Part { backend: Arc::clone(feed), user: user.clone() }
}
