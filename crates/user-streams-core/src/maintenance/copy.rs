//! Moving to another storage.

use std::{fmt, mem, slice};

use futures_core::future::BoxFuture;
use futures_util::{TryStreamExt, future};
use tracing::Span;

use super::{
    everyone,
    pair::{Of, Pair},
};
use crate::{
    Cursor, NewItem, Result, StreamItem, Streams, UserId,
    backend::{Backend, Capability, Position, StreamQuery, UsersCursor},
    bulk,
    handle::Handle,
    marks::Mark,
    observe::{Operation, Outcome},
    served,
};

/// How many items of a user are read at a time.
pub(super) const CHUNK: u64 = 512;
/// How many users are read at once.
const AT_ONCE: usize = 8;
/// When so much has been read it is written.
const ROWS: usize = 4_096;
const BYTES: usize = 4 << 20;

type Progress = Box<dyn FnMut(&Copied) + Send>;

/// A copy that happens when it is awaited: every user's items, as they are stored, and marks; and
/// before them, where both sides have the settings, what is retracted, what users have dismissed
/// and the items of audiences.
///
/// It may be stopped, dropped or killed at any time, and goes on [`after`](Self::after) the place
/// that was reported last, or from the beginning: an item that is there already stays as it is, and
/// no mark moves back. What is added meanwhile may be missing: copy again, which is quick to read
/// and adds what is new, and [verify](Streams::verify_copy).
///
/// ```
/// # use user_streams_core::{MemoryBackend, Streams};
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # let (old, new) = (MemoryBackend::default(), MemoryBackend::default());
/// # let (old, new) = (Streams::from_backend(old), Streams::from_backend(new));
/// # for n in 0..3 { old.add_stream_item([42, 43], "item").await?; }
/// let copy = old.copy_to(&new).on_progress(|so_far| {
///     // Where it goes on if it is stopped: `old.copy_to(&new).after(place)`.
///     if let Some(place) = &so_far.next {
///         println!("{place}");
///     }
/// });
/// assert_eq!(copy.await?.added, 6);
/// assert_eq!(old.copy_to(&new).await?.added, 0);
/// assert!(old.verify_copy(&new).await?.is_same());
/// # Ok::<(), user_streams_core::Error>(()) }).unwrap();
/// ```
///
/// # Errors
/// `InvalidArgument` if the two have ids of different kinds; `Unsupported` if the first cannot list
/// its users; else those of the storages.
#[must_use = "nothing is copied until it is awaited"]
pub struct CopyTo {
    from: Handle,
    to: Handle,
    after: Option<UsersCursor>,
    on_progress: Option<Progress>,
}

/// What a copy has done so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Copied {
    /// How many users were copied.
    pub users: u64,
    /// How many items were read: of users and of audiences, and places of what is hidden.
    pub items: u64,
    /// How many of these were not there before.
    pub added: u64,
    /// Where it would go on; `None` at the end.
    pub next: Option<UsersCursor>,
}

impl Streams {
    /// Copies everyone's items and marks to other streams, in the same backend or another. Feeds
    /// are [copied](CopyTo) each by itself.
    pub fn copy_to(&self, to: &Self) -> CopyTo {
        let (from, to) = (self.handle().clone(), to.handle().clone());
        CopyTo { from, to, after: None, on_progress: None }
    }
}

impl CopyTo {
    /// From the place on that was reported last.
    pub fn after(mut self, place: UsersCursor) -> Self {
        self.after = Some(place);
        self
    }

    /// Calls `report` after some users each, when their items are stored. What is copied before the
    /// users is copied anew by each call.
    pub fn on_progress(mut self, report: impl FnMut(&Copied) + Send + 'static) -> Self {
        self.on_progress = Some(Box::new(report));
        self
    }

    async fn run(self) -> Result<Copied> {
        let Self { from, to, after, mut on_progress } = self;
        let (beside, users) = Pair::all(&from, &to)?;
        let mut copied = Copied::default();
        for pair in &beside {
            let mut pages = everyone::pages(pair.from.clone(), None);
            while let Some(page) = pages.try_next().await? {
                copy(pair, &page.users, &mut copied).await?;
            }
        }
        let mut pages = everyone::pages(from, after);
        while let Some(page) = pages.try_next().await? {
            copy(&users, &page.users, &mut copied).await?;
            copied.users += page.users.len() as u64;
            copied.next = page.next;
            if let Some(report) = &mut on_progress {
                report(&copied);
            }
        }
        Ok(copied)
    }
}

/// Copies the streams of some.
async fn copy(pair: &Pair, users: &[UserId], copied: &mut Copied) -> Result<()> {
    let (from, to) = (pair.from.backend(), pair.to.backend());
    let users: Vec<_> = users.iter().filter(|user| pair.is_read(user)).collect();
    let mut rows = Rows::default();
    for some in users.chunks(AT_ONCE) {
        // All of them end before anything else is awaited: one that waits meanwhile may have the
        // connection that the rest waits for.
        let beginnings = some.iter().map(|user| beginning(pair, user));
        for (user, mut items) in future::try_join_all(beginnings).await? {
            let there = pair.there(user);
            loop {
                let (full, last) = (items.len() as u64 == CHUNK, items.last());
                let next = last.filter(|_| full).map(StreamItem::cursor);
                copied.items += items.len() as u64;
                rows.push(&there, items);
                if rows.is_full() {
                    copied.added += served::recipients(rows.write(to).await?, pair.copies());
                }
                let Some(next) = next else { break };
                items = read(from, user, Position::After(next)).await?;
            }
        }
    }
    copied.added += served::recipients(rows.write(to).await?, pair.copies());
    Ok(())
}

/// The newest items of a user, after the marks were copied.
async fn beginning<'a>(pair: &Pair, user: &'a UserId) -> Result<(&'a UserId, Vec<StreamItem>)> {
    if pair.of == Of::Users {
        copy_marks(&pair.from, &pair.to, user).await?;
    }
    let items = read(pair.from.backend(), user, Position::Offset(0)).await?;
    Ok((user, items))
}

async fn copy_marks(from: &Handle, to: &Handle, user: &UserId) -> Result<()> {
    for mark in Mark::ALL {
        if let Some(place) = kept(mark, from, user).await? {
            mark.set(to, user, Some(place), false).await?;
        }
    }
    let item_marks = from.feeds.item_marks().zip(to.feeds.item_marks());
    let pairs =
        item_marks.into_iter().flat_map(|(from, to)| from.both().into_iter().zip(to.both()));
    for (ours, theirs) in pairs {
        let (ours, theirs) = (ours.backend(), theirs.backend());
        let mut position = Position::Offset(0);
        loop {
            let items = read(ours, user, position).await?;
            let last = items.last().filter(|_| items.len() as u64 == CHUNK);
            let next = last.map(StreamItem::cursor);
            let mut rows = Rows::default();
            rows.push(slice::from_ref(user), items);
            rows.write(theirs).await?;
            let Some(next) = next else { break };
            position = Position::After(next);
        }
    }
    Ok(())
}

/// Where a mark is, in streams that can have one.
pub(super) async fn kept(mark: Mark, streams: &Handle, user: &UserId) -> Result<Option<Cursor>> {
    let has_marks = streams.backend().capabilities().has(Capability::Marks);
    if has_marks || streams.feeds.mark_feeds().is_some() {
        return mark.get(streams, user).await;
    }
    Ok(None)
}

pub(super) async fn read(
    backend: &dyn Backend,
    user: &UserId,
    position: Position,
) -> Result<Vec<StreamItem>> {
    let query = StreamQuery::new(user.clone(), CHUNK).with_position(position);
    backend.get_stream_items(query).await
}

/// What has been read and not yet written.
#[derive(Default)]
struct Rows {
    rows: Vec<(UserId, NewItem)>,
    bytes: usize,
}

impl Rows {
    /// Each item into each of these streams.
    fn push(&mut self, streams: &[UserId], items: Vec<StreamItem>) {
        for item in items {
            let new = NewItem::at(item.cursor(), item.content);
            for stream in streams {
                self.bytes += new.content().len();
                self.rows.push((stream.clone(), new.clone()));
            }
        }
    }

    fn is_full(&self) -> bool {
        self.rows.len() >= ROWS || self.bytes >= BYTES
    }

    async fn write(&mut self, to: &dyn Backend) -> Result<u64> {
        if self.rows.is_empty() {
            return Ok(0);
        }
        self.bytes = 0;
        bulk::add(to, mem::take(&mut self.rows)).await
    }
}

impl Outcome for Copied {
    fn record(&self, span: &Span) {
        self.items.record(span);
    }
}

impl IntoFuture for CopyTo {
    type Output = Result<Copied>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let call = self.from.call(Operation::Copy);
            call.run(self.run()).await
        })
    }
}

impl fmt::Debug for CopyTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CopyTo").field("after", &self.after).finish_non_exhaustive()
    }
}
