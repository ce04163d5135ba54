//! Deleting what nobody sees any more.

use std::fmt;

use chrono::Utc;
use futures_core::future::BoxFuture;
use futures_util::{StreamExt, TryStreamExt, stream};
use tracing::Span;

use super::everyone;
use crate::{
    Cursor, Error, ErrorKind, Result, Streams, UserId, audience,
    backend::{Capability, DeleteRange, Position, RemoveStreamItem, UsersCursor},
    feeds::{ItemMarks, Store},
    handle::Handle,
    observe::{Operation, Outcome},
    stream::{Part, View},
    time,
};

/// How many users are trimmed at once.
const AT_ONCE: usize = 8;

type Progress = Box<dyn FnMut(&Trimmed) + Send>;

/// A trim that happens when it is awaited: everyone's items that `max_len` and `max_age` hide or
/// that are retracted are deleted, of audiences first, and then stored contents that no stream
/// refers to.
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
/// `InvalidArgument` without any of the settings `max_len`, `max_age` and `retractions`;
/// `Unsupported` if the backend cannot list users or delete ranges; else those of the storage.
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
    /// Deletes everyone's items that `max_len` and `max_age` hide or that are retracted. Of the
    /// feeds, each is [trimmed](Trim) by itself.
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
        let retention = handle.retention;
        let retracted = handle.feeds.main().retracted();
        if retention.max_len.is_none() && retention.max_age.is_none() && retracted.is_none() {
            let message = "nothing is to be trimmed: none of `max_len`, `max_age` and \
                           `retractions` is set";
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        let retracted = match retracted {
            Some(store) => retractions(store).await?,
            None => Vec::new(),
        };
        let mut trimmed = Trimmed::default();
        if let Some(audiences) = audiences(&handle) {
            let mut pages = everyone::pages(audiences.clone(), None);
            while let Some(page) = pages.try_next().await? {
                trimmed.items += trim_page(&audiences, page.users, &retracted).await?;
            }
        }
        let mut pages = everyone::pages(handle.clone(), after);
        while let Some(page) = pages.try_next().await? {
            trimmed.users += page.users.len() as u64;
            trimmed.items += trim_page(&handle, page.users, &retracted).await?;
            trimmed.next = page.next;
            if let Some(report) = &mut on_progress {
                report(&trimmed);
            }
        }
        forget(&handle).await?;
        for streams in [Some(handle.clone()), audiences(&handle)].into_iter().flatten() {
            if streams.backend().capabilities().has(Capability::Purge) {
                trimmed.contents += streams.backend().purge().await?;
            }
        }
        Ok(trimmed)
    }
}

/// The streams of audiences. Their length counts only if nobody can have dismissed items of them,
/// and so see older ones.
fn audiences(handle: &Handle) -> Option<Handle> {
    let mut audiences = handle.with_feeds(handle.feeds.of_audiences()?);
    if handle.feeds.main().dismissed().is_some() {
        audiences.retention.max_len = None;
    }
    Some(audiences)
}

/// What is retracted.
async fn retractions(store: &Store) -> Result<Vec<Cursor>> {
    let part = Part::new(store, audience::retracted().copy(0));
    part.places(None).await
}

/// Forgets what was dismissed or retracted of items that are too old to be seen anyway.
async fn forget(handle: &Handle) -> Result<()> {
    let oldest = handle.retention.oldest_us(time::micros(&Utc::now())).map(Cursor::first_of);
    let Some(oldest) = oldest else { return Ok(()) };
    for streams in [handle.feeds.of_dismissed(), handle.feeds.of_retracted()].into_iter().flatten()
    {
        let streams = handle.with_feeds(streams);
        let mut pages = everyone::pages(streams.clone(), None);
        while let Some(page) = pages.try_next().await? {
            for user in page.users {
                let passed = DeleteRange::new(user).older_than(oldest);
                streams.backend().delete_range(passed).await?;
            }
        }
    }
    Ok(())
}

async fn trim_page(handle: &Handle, users: Vec<UserId>, retracted: &[Cursor]) -> Result<u64> {
    let mut items = 0;
    for item in retracted {
        let remove = RemoveStreamItem::new(users.clone(), *item);
        items += handle.backend().remove_stream_item(remove).await?;
    }
    let steps = users.into_iter().map(|user| trim(handle, user));
    let deleted: Vec<_> = stream::iter(steps).buffer_unordered(AT_ONCE).try_collect().await?;
    Ok(items + deleted.iter().sum::<u64>())
}

async fn trim(handle: &Handle, user: UserId) -> Result<u64> {
    let by_age = handle.retention.oldest_us(time::micros(&Utc::now())).map(Cursor::first_of);
    let oldest = by_age.max(oldest_by_len(handle, &user).await?);
    // What is read together with these streams may have older items, which come back when newer
    // ones go.
    let forgotten = if handle.feeds.are_alone() { oldest } else { by_age };
    if let Some(place) = forgotten {
        let item_marks = handle.feeds.item_marks().into_iter().flat_map(ItemMarks::both);
        for own in item_marks.chain(handle.feeds.main().dismissed()) {
            own.backend().delete_range(DeleteRange::new(user.clone()).older_than(place)).await?;
        }
    }
    let Some(oldest) = oldest else { return Ok(0) };
    handle.backend().delete_range(DeleteRange::new(user).older_than(oldest)).await
}

/// The place that nothing older than is to be kept, because of its number.
async fn oldest_by_len(handle: &Handle, user: &UserId) -> Result<Option<Cursor>> {
    let Some(max_len) = handle.retention.max_len else { return Ok(None) };
    let view = View::stored(handle, user).await?;
    Ok(match max_len.checked_sub(1) {
        // Two items: the last to be kept, and one more, if there is anything to delete.
        Some(last) => match view.read(Position::Offset(last), 2).await?.as_slice() {
            [last, _, ..] => Some(last.cursor()),
            _ => None,
        },
        None => Some(view.newest_place()),
    })
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
