//! Single items that are read or unread against the mark.

use std::collections::HashSet;

use futures_util::future::try_join;

use crate::{
    Cursor, Error, ErrorKind, NewItem, Result, StreamItem, StreamItems, UserId,
    backend::{AddStreamItem, DeleteRange, RemoveStreamItem},
    feeds::ItemMarks,
    marks::Mark,
    observe::Operation,
    stream::{part::Part, view::View},
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
            if let (Some(feeds), Some(oldest)) = (handle.feeds.item_marks(), places.iter().min()) {
                let marked = marked(feeds, self.user(), Some(*oldest)).await?;
                let marked: HashSet<_> = marked.into_iter().collect();
                for (is_read, place) in are_read.iter_mut().zip(&places) {
                    *is_read ^= marked.contains(&(*place, !*is_read));
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
            let Some(feeds) = handle.feeds.item_marks() else { return Err(off()) };
            let [to, from] = if read { feeds.both() } else { [&feeds.unread, &feeds.read] };
            from.backend().remove_stream_item(RemoveStreamItem::new(user.clone(), item)).await?;
            let is_read = Some(item) <= Mark::Read.get(handle, user).await?;
            if is_read != read {
                let add = AddStreamItem::new(user.clone(), NewItem::at(item, ""))?;
                to.backend().add_stream_item(add).await?;
            }
            Ok(())
        };
        handle.call(Operation::MarkItem).of(user).run(marked).await
    }
}

fn off() -> Error {
    let message = "single items are read and unread if the setting `item_marks` is true";
    Error::new(ErrorKind::Unsupported, message)
}

/// Forgets what the mark passes.
pub(super) async fn forget(feeds: &ItemMarks, user: &UserId, mark: Cursor) -> Result<()> {
    for feed in feeds.both() {
        feed.backend().remove_stream_item(RemoveStreamItem::new(user.clone(), mark)).await?;
        feed.backend().delete_range(DeleteRange::new(user.clone()).older_than(mark)).await?;
    }
    Ok(())
}

/// The number of unread items of a view, up to `limit`.
pub(super) async fn unread(
    feeds: &ItemMarks,
    view: &View,
    user: &UserId,
    mark: Option<Cursor>,
    limit: u64,
) -> Result<u64> {
    // What is marked as what it is anyway does not count.
    let marked = marked(feeds, user, None).await?;
    let against = |state: bool| {
        let is = |(place, read): &(Cursor, bool)| *read == state && (Some(*place) > mark) == state;
        marked.iter().filter(|item| is(item)).map(|(place, _)| *place).collect::<Vec<_>>()
    };
    let read = count(&view.contains(&against(true)).await?);
    let unread = count(&view.contains(&against(false)).await?);
    let newer = view.count_newer(mark, limit.saturating_add(read)).await?;
    Ok(newer.saturating_sub(read).saturating_add(unread).min(limit))
}

fn count(there: &[bool]) -> u64 {
    there.iter().filter(|there| **there).count() as u64
}

/// The single items from the newest down to a place, or all, each with whether it is read.
async fn marked(
    feeds: &ItemMarks,
    user: &UserId,
    oldest: Option<Cursor>,
) -> Result<Vec<(Cursor, bool)>> {
    let (read, unread) = try_join(
        Part::new(&feeds.read, user.clone()).places(oldest),
        Part::new(&feeds.unread, user.clone()).places(oldest),
    )
    .await?;
    let read = read.into_iter().map(|place| (place, true));
    Ok(read.chain(unread.into_iter().map(|place| (place, false))).collect())
}
