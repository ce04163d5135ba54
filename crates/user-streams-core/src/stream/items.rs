//! The second verb.

use std::ops::{Bound, RangeBounds};

use chrono::{DateTime, TimeZone};
use futures_core::{future::BoxFuture, stream::BoxStream};
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::{
    CursorPageRequest, Membership, Result, StreamItem, UserId,
    backend::Position,
    handle::Handle,
    stream::{part::CHUNK, reader::Reader, view::View},
    time,
};

/// A user's stream, newest first, or a slice of it. Nothing is read until it is asked for; a clone
/// is cheap.
///
/// Awaiting it gives its items as a `Vec`: up to 256 by one query, and more of them in chunks of
/// that size, by cursor, so that neither a server nor a driver holds a long stream at once. For a
/// stream that may be long, [`stream`](Self::stream) does not hold it here either.
///
/// ```
/// # use user_streams_core::{MemoryBackend, Streams};
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # let streams = Streams::from_backend(MemoryBackend::default());
/// for n in 0..10 {
///     streams.add_stream_item(42, format!("item {n}")).await?;
/// }
/// let items = streams.get_stream_items(42);
/// assert_eq!(items.count().await?, 10);
/// assert_eq!(items.get(0).await?.unwrap().content, "item 9");
/// let some = items.slice(3..7).slice(1..).await?;
/// assert_eq!(some[0].content, "item 5");
/// # Ok::<(), user_streams_core::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing is read until it is awaited or asked"]
pub struct StreamItems {
    reader: Reader,
    start: u64,
    /// The first place that is outside; never less than `start`.
    end: u64,
}

impl StreamItems {
    pub(crate) fn new(handle: Option<Handle>, user: UserId) -> Self {
        Self { reader: Reader::new(handle, user), start: 0, end: u64::MAX }
    }

    /// Only what was created at this instant or later, out of what is there. A slice is cut out of
    /// that, also one that was made before.
    ///
    /// ```
    /// # use user_streams_core::{MemoryBackend, Streams};
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// # use chrono::{TimeZone, Utc};
    /// # let streams = Streams::from_backend(MemoryBackend::default());
    /// let may = |day| Utc.with_ymd_and_hms(2026, 5, day, 0, 0, 0).unwrap();
    /// for day in [1, 2, 3] {
    ///     streams.add_stream_item(42, format!("May {day}")).created_at(may(day)).await?;
    /// }
    /// let items = streams.get_stream_items(42);
    /// assert_eq!(items.clone().since(may(2)).count().await?, 2);
    /// assert_eq!(items.since(may(2)).until(may(3)).await?[0].content, "May 2");
    /// # Ok::<(), user_streams_core::Error>(()) }).unwrap();
    /// ```
    pub fn since<Tz: TimeZone>(&self, instant: DateTime<Tz>) -> Self {
        let mut items = self.clone();
        let since = &mut items.reader.bounds.since;
        *since = (*since).max(Some(time::micros(&instant)));
        items
    }

    /// Only what was created before this instant, out of what is there. The newest ones that
    /// `max_len` leaves are counted first.
    pub fn until<Tz: TimeZone>(&self, instant: DateTime<Tz>) -> Self {
        let mut items = self.clone();
        let until = &mut items.reader.bounds.until;
        let instant = time::micros(&instant);
        *until = Some(until.map_or(instant, |known| known.min(instant)));
        items
    }

    /// Merged with the items of these audiences, which the user belongs to: by their names, or by
    /// [`audience(name).since(joined)`](crate::Audience::since). Everyone belongs to
    /// [`everyone`](crate::everyone) already; `everyone().since(registered)` says since when. What
    /// is said last of an audience holds.
    ///
    /// ```
    /// # use user_streams_core::{MemoryBackend, Membership, Streams, audience, everyone};
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// # use chrono::{TimeDelta, Utc};
    /// let streams = Streams::from_backend(MemoryBackend::default()).with_audiences(true)?;
    /// streams.add_stream_item([audience("team:7"), audience("team:8")], "We have won").await?;
    /// let joined = Utc::now() + TimeDelta::days(1);
    /// let items = streams.get_stream_items(42);
    /// assert_eq!(items.with_audiences(["team:7", "team:8"]).count().await?, 1);
    /// let teams = [Membership::from("team:9"), audience("team:7").since(joined)];
    /// assert_eq!(items.with_audiences(teams).count().await?, 0);
    /// # Ok::<(), user_streams_core::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// Without the setting `audiences` every read answers `Unsupported`; for a name that is too
    /// long or has a NUL character, `InvalidArgument`.
    pub fn with_audiences(
        &self,
        audiences: impl IntoIterator<Item = impl Into<Membership>>,
    ) -> Self {
        let mut items = self.clone();
        let memberships = &mut items.reader.memberships;
        for membership in audiences.into_iter().map(Into::into) {
            memberships.retain(|known| known.audience != membership.audience);
            memberships.push(membership);
        }
        items
    }

    /// Whose stream it is.
    pub fn user(&self) -> &UserId {
        &self.reader.user
    }

    /// The number of items: a count, no rows. A slice is counted no further than to its end.
    ///
    /// # Errors
    /// `NotInitialized`, `InvalidUserId`, or those of the storage, as with every read.
    pub async fn count(&self) -> Result<usize> {
        let count = self.reader.count(self.end).await?;
        Ok(to_usize(count.saturating_sub(self.start)))
    }

    /// Whether there are no items, by looking for one.
    ///
    /// # Errors
    /// Those of [`count`](Self::count).
    pub async fn is_empty(&self) -> Result<bool> {
        Ok(self.get(0).await?.is_none())
    }

    /// The item at `index`, 0 being the newest; `None` past the end.
    ///
    /// # Errors
    /// Those of [`count`](Self::count).
    pub async fn get(&self, index: usize) -> Result<Option<StreamItem>> {
        Ok(self.slice(index..=index).await?.pop())
    }

    /// A part of these items, by any of the standard ranges. A slice of a slice composes; what is
    /// past the end is empty.
    pub fn slice(&self, range: impl RangeBounds<usize>) -> Self {
        let after = |index: usize| to_u64(index).saturating_add(1);
        let start = match range.start_bound() {
            Bound::Included(&index) => to_u64(index),
            Bound::Excluded(&index) => after(index),
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(&index) => after(index),
            Bound::Excluded(&index) => to_u64(index),
            Bound::Unbounded => u64::MAX,
        };
        let start = self.start.saturating_add(start).min(self.end);
        let end = self.start.saturating_add(end).clamp(start, self.end);
        Self { start, end, ..self.clone() }
    }

    /// The items as an async stream, fetched in chunks by cursor: items that are added meanwhile at
    /// the top neither shift nor repeat any.
    pub fn stream(&self) -> BoxStream<'static, Result<StreamItem>> {
        let chunks = stream::try_unfold(Some(self.clone().walk()), |walk| async move {
            match walk {
                Some(walk) => walk.next().await.map(Some),
                None => Ok(None),
            }
        });
        chunks.map_ok(|chunk| stream::iter(chunk).map(Ok)).try_flatten().boxed()
    }

    /// A page of up to `limit` items by cursor: the first one, or that
    /// [after](CursorPageRequest::after) or [before](CursorPageRequest::before) a cursor. It costs
    /// the same at any depth.
    pub fn cursor_page(&self, limit: usize) -> CursorPageRequest {
        CursorPageRequest::new(self.reader.clone(), self.is_whole(), limit)
    }

    /// Whether these are no slice.
    pub(crate) fn is_whole(&self) -> bool {
        self.start == 0 && self.end == u64::MAX
    }

    pub(crate) fn reader(&self) -> &Reader {
        &self.reader
    }

    /// The first chunk by its place, the others by cursor, all of what is there at the first.
    fn walk(self) -> Walk {
        let (position, left) = (Position::Offset(self.start), self.end - self.start);
        Walk { reader: self.reader, view: None, position, left }
    }
}

/// Reading on from a position.
struct Walk {
    reader: Reader,
    view: Option<View>,
    position: Position,
    left: u64,
}

impl Walk {
    async fn next(mut self) -> Result<(Vec<StreamItem>, Option<Self>)> {
        let limit = self.left.min(CHUNK);
        let chunk = self.reader.read_in(&mut self.view, self.position, limit).await?;
        if let (Position::Offset(start), Some(view)) = (self.position, self.view.take()) {
            self.left = self.left.min(view.max_len().saturating_sub(start));
            // What comes is counted here, and not anew for each chunk.
            self.view = Some(view.without_max_len());
        }
        // A short chunk is the end.
        let full = to_u64(chunk.len()) == limit;
        let last = chunk.last().filter(|_| full && self.left > limit).map(StreamItem::cursor);
        let next = last.map(|cursor| Self {
            position: Position::After(cursor),
            left: self.left - limit,
            ..self
        });
        Ok((chunk, next))
    }
}

impl IntoFuture for StreamItems {
    type Output = Result<Vec<StreamItem>>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let (mut items, mut next) = self.walk().next().await?;
            while let Some(walk) = next {
                let (chunk, following) = walk.next().await?;
                items.extend(chunk);
                next = following;
            }
            Ok(items)
        })
    }
}

fn to_u64(index: usize) -> u64 {
    index.try_into().unwrap_or(u64::MAX)
}

fn to_usize(count: u64) -> usize {
    count.try_into().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Delivery,
        backend::{AddStreamItem, Backend, Capabilities, CountQuery, StreamQuery},
    };

    fn bounds(items: &StreamItems) -> (u64, u64) {
        (items.start, items.end)
    }

    #[test]
    fn every_standard_range_makes_a_slice() {
        let all = StreamItems::new(None, UserId::Int(1));
        assert_eq!(bounds(&all.slice(3..7)), (3, 7));
        assert_eq!(bounds(&all.slice(3..)), (3, u64::MAX));
        assert_eq!(bounds(&all.slice(..5)), (0, 5));
        assert_eq!(bounds(&all.slice(..)), (0, u64::MAX));
        assert_eq!(bounds(&all.slice(3..=7)), (3, 8));
        assert_eq!(bounds(&all.slice(..=4)), (0, 5));
        assert_eq!(bounds(&all.slice((Bound::Excluded(3), Bound::Included(7)))), (4, 8));
    }

    #[test]
    fn slices_compose_and_never_leave_the_outer_one() {
        let outer = StreamItems::new(None, UserId::Int(1)).slice(10..20);
        assert_eq!(bounds(&outer.slice(2..5)), (12, 15));
        assert_eq!(bounds(&outer.slice(5..)), (15, 20));
        assert_eq!(bounds(&outer.slice(5..99)), (15, 20));
        assert_eq!(bounds(&outer.slice(99..)), (20, 20));
    }

    #[test]
    #[expect(clippy::reversed_empty_ranges, reason = "this is what is tested")]
    fn odd_ranges_are_empty_and_extreme_ones_do_not_overflow() {
        let all = StreamItems::new(None, UserId::Int(1));
        assert_eq!(bounds(&all.slice(7..3)), (7, 7));
        assert_eq!(bounds(&all.slice(0..0)), (0, 0));
        assert_eq!(bounds(&all.slice(..=usize::MAX)), (0, u64::MAX));
        assert_eq!(bounds(&all.slice(usize::MAX..=usize::MAX).slice(1..)), (u64::MAX, u64::MAX));
    }

    #[tokio::test]
    async fn a_whole_stream_is_read_in_bounded_chunks_and_a_small_slice_by_one_query() {
        let backend = std::sync::Arc::new(Limits::default());
        let streams = crate::Streams::from_backend(std::sync::Arc::clone(&backend));
        for n in 0..600_i64 {
            let item = crate::NewItem::new(n.to_string());
            streams.add_stream_item(1, item).await.unwrap();
        }
        let items = streams.get_stream_items(1);
        let contents: Vec<_> =
            items.clone().await.unwrap().into_iter().map(|i| i.content).collect();
        assert_eq!(contents, (0..600).rev().map(|n| n.to_string()).collect::<Vec<_>>());
        assert_eq!(backend.taken(), [256, 256, 256]);
        assert_eq!(items.slice(1..257).await.unwrap().len(), 256);
        assert_eq!(backend.taken(), [256]);
        assert_eq!(items.slice(100..400).await.unwrap().len(), 300);
        assert_eq!(backend.taken(), [256, 44]);
    }

    /// Remembers the limits of the reads.
    #[derive(Debug, Default)]
    struct Limits {
        memory: crate::MemoryBackend,
        limits: std::sync::Mutex<Vec<u64>>,
    }

    impl Limits {
        fn taken(&self) -> Vec<u64> {
            std::mem::take(&mut self.limits.lock().unwrap())
        }
    }

    #[async_trait::async_trait]
    impl Backend for Limits {
        fn capabilities(&self) -> Capabilities {
            self.memory.capabilities()
        }

        async fn add_stream_item(&self, args: AddStreamItem) -> Result<Delivery> {
            self.memory.add_stream_item(args).await
        }

        async fn get_stream_items(&self, query: StreamQuery) -> Result<Vec<StreamItem>> {
            self.limits.lock().unwrap().push(query.limit);
            self.memory.get_stream_items(query).await
        }

        async fn count_stream_items(&self, query: CountQuery) -> Result<u64> {
            self.memory.count_stream_items(query).await
        }
    }

    #[test]
    fn a_read_before_init_says_what_to_call() {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let mut read = StreamItems::new(None, UserId::Int(1)).into_future();
        let std::task::Poll::Ready(Err(error)) = read.as_mut().poll(&mut context) else {
            panic!("must be an error")
        };
        assert_eq!(error.kind(), crate::ErrorKind::NotInitialized);
        assert!(error.to_string().contains("init"), "{error}");
    }
}
