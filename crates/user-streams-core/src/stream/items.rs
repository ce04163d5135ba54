//! The second verb.

use std::ops::{Bound, RangeBounds};

use futures_core::{future::BoxFuture, stream::BoxStream};
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::{
    CountQuery, CursorPageRequest, Position, Result, StreamItem, StreamQuery, Streams, UserId,
    global,
};

/// How many items [`StreamItems::stream`] fetches at a time.
const CHUNK: u64 = 256;

/// A user's stream, newest first, or a slice of it. Nothing is read until it is asked for; a clone
/// is cheap.
///
/// Awaiting it gives all its items as a `Vec`, by one query.
///
/// ```
/// # use user_streams_core::{MemoryBackend, Streams};
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # let streams = Streams::from_backend(MemoryBackend::default());
/// for n in 0..10 {
///     streams.add_stream_item(42, format!("item {n}")).await?;
/// }
/// let items = streams.get_stream_items(42);
/// assert_eq!(items.len().await?, 10);
/// assert_eq!(items.get(0).await?.unwrap().content, "item 9");
/// let some = items.slice(3..7).slice(1..).await?;
/// assert_eq!(some[0].content, "item 5");
/// # Ok::<(), user_streams_core::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing is read until it is awaited or asked"]
pub struct StreamItems {
    streams: Option<Streams>,
    user: UserId,
    start: u64,
    /// The first place that is outside; never less than `start`.
    end: u64,
}

impl StreamItems {
    pub(crate) fn new(streams: Option<Streams>, user: UserId) -> Self {
        Self { streams, user, start: 0, end: u64::MAX }
    }

    /// Whose stream it is.
    pub fn user(&self) -> &UserId {
        &self.user
    }

    /// The number of items: a count, no rows.
    ///
    /// # Errors
    /// `NotInitialized`, `InvalidUserId`, or those of the storage, as with every read.
    pub async fn len(&self) -> Result<usize> {
        let streams = global::resolve(self.streams.as_ref())?;
        let count = match streams.check(&self.user) {
            Ok(()) => {
                streams.backend().count_stream_items(CountQuery::new(self.user.clone())).await
            }
            Err(error) => Err(error),
        };
        let count = streams.named("count_stream_items", count)?;
        Ok(to_usize(count.min(self.end).saturating_sub(self.start)))
    }

    /// Whether there are no items, by looking for one.
    ///
    /// # Errors
    /// Those of [`len`](Self::len).
    pub async fn is_empty(&self) -> Result<bool> {
        Ok(self.get(0).await?.is_none())
    }

    /// The item at `index`, 0 being the newest; `None` past the end.
    ///
    /// # Errors
    /// Those of [`len`](Self::len).
    pub async fn get(&self, index: usize) -> Result<Option<StreamItem>> {
        Ok(self.slice(index..=index).fetch().await?.pop())
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
        let first = (self.clone(), Position::Offset(self.start), self.end - self.start);
        let chunks = stream::try_unfold(Some(first), |state| async move {
            let Some((items, position, left)) = state else { return Ok(None) };
            let limit = left.min(CHUNK);
            let chunk = items.read(position, limit).await?;
            // A short chunk is the end.
            let full = to_u64(chunk.len()) == limit;
            let next = chunk.last().filter(|_| full && left > limit).map(StreamItem::cursor);
            Ok(Some((
                stream::iter(chunk).map(Ok),
                next.map(|cursor| (items, Position::After(cursor), left - limit)),
            )))
        });
        chunks.try_flatten().boxed()
    }

    /// A page of up to `limit` items by cursor: the first one, or that
    /// [after](CursorPageRequest::after) or [before](CursorPageRequest::before) a cursor. It costs
    /// the same at any depth.
    pub fn cursor_page(&self, limit: usize) -> CursorPageRequest {
        CursorPageRequest::new(self.clone(), limit)
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.start == 0 && self.end == u64::MAX
    }

    async fn fetch(&self) -> Result<Vec<StreamItem>> {
        self.read(Position::Offset(self.start), self.end - self.start).await
    }

    /// Items from a position of the whole stream on.
    pub(crate) async fn read(&self, position: Position, limit: u64) -> Result<Vec<StreamItem>> {
        let streams = global::resolve(self.streams.as_ref())?;
        let items = match streams.check(&self.user) {
            Ok(()) if limit == 0 => Ok(Vec::new()),
            Ok(()) => {
                let query = StreamQuery::new(self.user.clone(), limit).with_position(position);
                streams.backend().get_stream_items(query).await
            }
            Err(error) => Err(error),
        };
        Ok(streams.show(streams.named("get_stream_items", items)?))
    }
}

impl IntoFuture for StreamItems {
    type Output = Result<Vec<StreamItem>>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.fetch().await })
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
