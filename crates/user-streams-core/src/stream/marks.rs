//! Where a user has seen and read a stream up to.

use futures_core::future::BoxFuture;

use crate::{
    Cursor, Error, ErrorKind, Result, StreamItem, StreamItems,
    backend::{Capability, CountNewer, Position},
    handle::Handle,
    marks::Mark,
    observe::Operation,
    stream::item_marks,
};

/// The marks of this user, in these streams. One mark is for all feeds that are
/// [merged](crate::Streams::merge).
impl StreamItems {
    /// The number of items that are newer than the mark `seen`, up to `limit`: for a badge that
    /// ends with `99+`, ask for 100. It costs no more than the limit.
    ///
    /// # Errors
    /// `Unsupported` if the backend has neither marks nor feeds; `InvalidArgument` for a slice;
    /// else those of [`count`](Self::count).
    pub async fn unseen(&self, limit: usize) -> Result<usize> {
        self.newer_than_mark(Mark::Seen, Operation::Unseen, limit).await
    }

    /// The number of items that are not read, up to `limit`.
    ///
    /// ```
    /// # use user_streams_core::{MemoryBackend, Streams};
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// # let streams = Streams::from_backend(MemoryBackend::default());
    /// # for n in 0..3 { streams.add_stream_item(42, "item").await?; }
    /// let items = streams.get_stream_items(42);
    /// assert_eq!(items.unread(100).await?, 3);
    /// items.mark_read().await?;
    /// assert_eq!(items.unread(100).await?, 0);
    /// # Ok::<(), user_streams_core::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// Those of [`unseen`](Self::unseen).
    pub async fn unread(&self, limit: usize) -> Result<usize> {
        self.newer_than_mark(Mark::Read, Operation::Unread, limit).await
    }

    /// Moves the mark `seen` when awaited: up to the newest item that is there now, or up to a
    /// place, and never back unless asked. Returns whether it has moved.
    pub fn mark_seen(&self) -> MoveMark {
        MoveMark { items: self.clone(), mark: Mark::Seen, to: None, back: false }
    }

    /// Moves the mark `read` in the same way. Items that were read or unread singly are so no
    /// longer where the mark passes.
    ///
    /// An item that is stored later with a date before the mark is read from the beginning.
    pub fn mark_read(&self) -> MoveMark {
        MoveMark { items: self.clone(), mark: Mark::Read, to: None, back: false }
    }

    /// Where the mark `seen` is, if it was ever set.
    ///
    /// # Errors
    /// Those of [`unseen`](Self::unseen).
    pub async fn seen_up_to(&self) -> Result<Option<Cursor>> {
        self.mark(Mark::Seen).await
    }

    /// Where the mark `read` is, if it was ever set.
    ///
    /// # Errors
    /// Those of [`unseen`](Self::unseen).
    pub async fn read_up_to(&self) -> Result<Option<Cursor>> {
        self.mark(Mark::Read).await
    }

    async fn mark(&self, mark: Mark) -> Result<Option<Cursor>> {
        let handle = self.reader().handle()?;
        let place = async {
            handle.check(self.user())?;
            mark.get(handle, self.user()).await
        };
        handle.call(Operation::Mark).of(self.user()).run(place).await
    }

    async fn newer_than_mark(
        &self,
        mark: Mark,
        operation: Operation,
        limit: usize,
    ) -> Result<usize> {
        let handle = self.reader().handle()?;
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        let newer = async {
            self.check_whole()?;
            self.count_from(handle, mark, limit).await
        };
        let newer = handle.call(operation).of(self.user()).run(newer).await?;
        Ok(usize::try_from(newer).unwrap_or(usize::MAX))
    }

    async fn count_from(&self, handle: &Handle, mark: Mark, limit: u64) -> Result<u64> {
        let view = self.reader().view(handle).await?;
        let item_marks = handle.feeds.item_marks().filter(|_| mark == Mark::Read);
        let capabilities = handle.backend().capabilities();
        let in_one = capabilities.has(Capability::Marks)
            && capabilities.has(Capability::CountNewer)
            && view.is_plain();
        match item_marks {
            None if in_one => {
                let query = CountNewer::than_mark(self.user().clone(), mark.name()?);
                handle.backend().count_newer(query.with_limit(limit)).await
            }
            None => view.count_newer(mark.get(handle, self.user()).await?, limit).await,
            Some(feed) => {
                let place = mark.get(handle, self.user()).await?;
                item_marks::unread(feed, &view, self.user(), place, limit).await
            }
        }
    }

    pub(super) fn check_whole(&self) -> Result<()> {
        if self.is_whole() {
            return Ok(());
        }
        let message = "a mark is a place in a whole stream, not in a slice: call it on the \
                       unsliced items";
        Err(Error::new(ErrorKind::InvalidArgument, message))
    }
}

/// A mark that moves when it is awaited, which gives whether it has moved.
///
/// ```
/// # use user_streams_core::{MemoryBackend, Streams};
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # let streams = Streams::from_backend(MemoryBackend::default());
/// # for n in 0..3 { streams.add_stream_item(42, "item").await?; }
/// let items = streams.get_stream_items(42);
/// let page = items.cursor_page(2).await?;
/// streams.add_stream_item(42, "comes meanwhile").await?;
/// // Up to what was shown.
/// assert!(items.mark_read().up_to(page.items[0].cursor()).await?);
/// assert_eq!(items.unread(100).await?, 1);
/// // Never back, unless asked.
/// assert!(!items.mark_read().up_to(page.items[1].cursor()).await?);
/// assert!(items.mark_read().up_to(page.items[1].cursor()).back().await?);
/// assert_eq!(items.unread(100).await?, 2);
/// # Ok::<(), user_streams_core::Error>(()) }).unwrap();
/// ```
///
/// # Errors
/// `Unsupported` if the backend has neither marks nor feeds, or cannot move one back;
/// `InvalidArgument` for a slice; else those of [`count`](StreamItems::count).
#[derive(Debug, Clone)]
#[must_use = "nothing is marked until it is awaited"]
pub struct MoveMark {
    items: StreamItems,
    mark: Mark,
    to: Option<Cursor>,
    back: bool,
}

impl MoveMark {
    /// Up to the item at this place, whether or not one is there.
    pub fn up_to(mut self, place: Cursor) -> Self {
        self.to = Some(place);
        self
    }

    /// Up to what is next older than this place, so that what is there is unseen, or unread: with
    /// [`back`](Self::back), unread from here on.
    pub fn before(mut self, place: Cursor) -> Self {
        // Before the very first place there is none, and that place as good as never taken.
        self.to = Some(place.previous().unwrap_or(place));
        self
    }

    /// Also back: whatever is newer is unseen, or unread, again.
    pub fn back(mut self) -> Self {
        self.back = true;
        self
    }

    async fn run(self) -> Result<bool> {
        let (items, user) = (&self.items, self.items.user());
        let handle = items.reader().handle()?;
        let operation = match self.mark {
            Mark::Seen => Operation::MarkSeen,
            Mark::Read => Operation::MarkRead,
        };
        let moved = async {
            items.check_whole()?;
            let newest = match self.to {
                Some(to) => {
                    handle.check(user)?;
                    Some(to)
                }
                None => {
                    let view = items.reader().view(handle).await?;
                    let newest = view.read(Position::Offset(0), 1).await?;
                    newest.first().map(StreamItem::cursor)
                }
            };
            let Some(to) = newest else { return Ok(false) };
            if let Some(feed) = handle.feeds.item_marks().filter(|_| self.mark == Mark::Read) {
                // First, so that no item is unread that the mark has passed, if this ends here.
                item_marks::forget(feed, user, to).await?;
            }
            self.mark.set(handle, user, Some(to), self.back).await
        };
        handle.call(operation).of(user).run(moved).await
    }
}

impl IntoFuture for MoveMark {
    type Output = Result<bool>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}
