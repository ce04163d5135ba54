//! Deleting what nobody sees any more.

use std::fmt;

use chrono::Utc;
use futures_core::future::BoxFuture;
use futures_util::{StreamExt, TryStreamExt, stream};
use tracing::Span;

use super::everyone;
use crate::{
    Cursor, Error, ErrorKind, Result, Streams, UserId,
    backend::{Capability, DeleteRange, Position, UsersCursor},
    handle::Handle,
    observe::{Operation, Outcome},
    stream::{Bounds, View},
    time,
};

/// How many users are trimmed at once.
const AT_ONCE: usize = 8;

type Progress = Box<dyn FnMut(&Trimmed) + Send>;

/// A trim that happens when it is awaited: everyone's items that `max_len` and `max_age` hide are
/// deleted, and then stored contents that no stream refers to.
///
/// It goes from user to user in small steps, and may be stopped or dropped at any time: what is
/// done is done, and it can go on [`after`](Self::after) the place that was reported last. A user
/// sees the same before and after.
///
/// ```
/// # use user_streams_core::{MemoryBackend, Streams};
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # let streams = Streams::from_backend(MemoryBackend::default());
/// # for n in 0..5 { streams.add_stream_item([42, 43], "item").await?; }
/// let streams = streams.with_max_len(3);
/// let trim = streams.trim().on_progress(|so_far| {
///     // Where it goes on if it is stopped: `streams.trim().after(place)`.
///     if let Some(place) = &so_far.next {
///         println!("{place}");
///     }
/// });
/// assert_eq!(trim.await?.items, 4);
/// # Ok::<(), user_streams_core::Error>(()) }).unwrap();
/// ```
///
/// # Errors
/// `InvalidArgument` without either setting; `Unsupported` if the backend cannot list users or
/// delete ranges; else those of the storage.
#[must_use = "nothing is trimmed until it is awaited"]
pub struct Trim {
    handle: Handle,
    after: Option<UsersCursor>,
    on_progress: Option<Progress>,
}

/// What a trim has done so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Trimmed {
    /// How many users were looked at.
    pub users: u64,
    /// How many items were deleted.
    pub items: u64,
    /// How many stored contents were deleted, at the end.
    pub contents: u64,
    /// Where it would go on; `None` at the end.
    pub next: Option<UsersCursor>,
}

impl Streams {
    /// Deletes everyone's items that `max_len` and `max_age` hide. Of the feeds, each is
    /// [trimmed](Trim) by itself.
    pub fn trim(&self) -> Trim {
        Trim { handle: self.handle().clone(), after: None, on_progress: None }
    }
}

impl Trim {
    /// From the place on that was reported last.
    pub fn after(mut self, place: UsersCursor) -> Self {
        self.after = Some(place);
        self
    }

    /// Calls `report` after some users each.
    pub fn on_progress(mut self, report: impl FnMut(&Trimmed) + Send + 'static) -> Self {
        self.on_progress = Some(Box::new(report));
        self
    }

    async fn run(self) -> Result<Trimmed> {
        let Self { handle, after, mut on_progress } = self;
        if handle.retention.max_len.is_none() && handle.retention.max_age.is_none() {
            let message = "nothing is to be trimmed: neither `max_len` nor `max_age` is set";
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        let mut trimmed = Trimmed::default();
        let mut pages = everyone::pages(handle.clone(), after);
        while let Some(page) = pages.try_next().await? {
            let users = page.users.len() as u64;
            let steps = page.users.into_iter().map(|user| trim(&handle, user));
            let items: Vec<_> = stream::iter(steps).buffer_unordered(AT_ONCE).try_collect().await?;
            trimmed.users += users;
            trimmed.items += items.iter().sum::<u64>();
            trimmed.next = page.next;
            if let Some(report) = &mut on_progress {
                report(&trimmed);
            }
        }
        if handle.backend().capabilities().has(Capability::Purge) {
            trimmed.contents = handle.backend().purge().await?;
        }
        Ok(trimmed)
    }
}

async fn trim(handle: &Handle, user: UserId) -> Result<u64> {
    let Some(oldest) = oldest(handle, &user).await? else { return Ok(0) };
    for own in handle.feeds.item_marks().iter().flat_map(|feeds| feeds.both()) {
        own.delete_range(DeleteRange::new(user.clone()).older_than(oldest)).await?;
    }
    handle.backend().delete_range(DeleteRange::new(user).older_than(oldest)).await
}

/// The place that nothing older than is to be kept.
async fn oldest(handle: &Handle, user: &UserId) -> Result<Option<Cursor>> {
    let retention = handle.retention;
    let by_age = retention.oldest_us(time::micros(&Utc::now())).map(Cursor::first_of);
    let Some(max_len) = retention.max_len else { return Ok(by_age) };
    let view = View::of(handle, user, Bounds::default()).await?.without_max_len().without_others();
    let by_len = match max_len.checked_sub(1) {
        // Two items: the last to be kept, and one more, if there is anything to delete.
        Some(last) => match view.read(Position::Offset(last), 2).await?.as_slice() {
            [last, _, ..] => Some(last.cursor()),
            _ => None,
        },
        None => Some(view.newest_place()),
    };
    Ok(by_age.max(by_len))
}

impl Outcome for Trimmed {
    fn record(&self, span: &Span) {
        self.items.record(span);
    }
}

impl IntoFuture for Trim {
    type Output = Result<Trimmed>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let call = self.handle.call(Operation::Trim);
            call.run(self.run()).await
        })
    }
}

impl fmt::Debug for Trim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trim").field("after", &self.after).finish_non_exhaustive()
    }
}
