//! What is stored, one kind after the other: for a program that saves everything, and stores it
//! again.

use futures_core::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{copy, everyone, pair::Of};
use crate::{
    NewItem, Result, StreamItem, Streams, UserId, backend::Position, bulk, feeds::Feeds,
    handle::Handle, observe::Operation, served,
};

/// What streams are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoredKind {
    /// What is retracted for all, by its place, in one stream.
    Retracted,
    /// What each user has dismissed, by its place.
    Dismissed,
    /// What audiences have.
    Audiences,
    /// The items of the users.
    Items,
    /// The places of items that users have read singly.
    Read,
    /// The places of items that users have marked as unread singly.
    Unread,
}

/// The streams of one kind as they are stored, whatever readers see of them: for a program that
/// saves everything, and stores it again in another backend.
///
/// ```
/// # use user_streams_core::{Settings, Streams, NewItem, everyone};
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use futures_util::TryStreamExt;
///
/// let settings = Settings::new("memory://").with_audiences(true);
/// let old = Streams::connect(settings.clone()).await?;
/// old.add_stream_item(everyone(), "Maintenance on Sunday").await?;
/// let new = Streams::connect(settings).await?;
/// for (from, to) in old.stored().iter().zip(new.stored()) {
///     let mut owners = from.owners();
///     while let Some(owner) = owners.try_next().await? {
///         let mut items = from.items(&owner);
///         while let Some(item) = items.try_next().await? {
///             let new = NewItem::new(item.content).with_created_at(&item.created_at);
///             to.add(vec![(owner.clone(), new.with_id(item.id))]).await?;
///         }
///     }
/// }
/// assert_eq!(new.get_stream_items(42).count().await?, 1);
/// # Ok::<(), user_streams_core::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct Stored {
    kind: StoredKind,
    handle: Handle,
}

impl Streams {
    /// What is stored of these streams, of each kind that the settings switch on; what hides items
    /// is before the items. Of the feeds, each has its own. The marks `seen` and `read` are
    /// [asked](crate::StreamItems::seen_up_to) of each user.
    pub fn stored(&self) -> Vec<Stored> {
        let feeds = &self.handle().feeds;
        let [read, unread] = match feeds.of_item_marks() {
            Some(both) => both.map(Some),
            None => [None, None],
        };
        let all: [(StoredKind, Option<Feeds>); 6] = [
            (StoredKind::Retracted, feeds.of_retracted()),
            (StoredKind::Dismissed, feeds.of_dismissed()),
            (StoredKind::Audiences, feeds.of_audiences()),
            (StoredKind::Items, Some((**feeds).clone())),
            (StoredKind::Read, read),
            (StoredKind::Unread, unread),
        ];
        let stored = |(kind, feeds): (StoredKind, Option<Feeds>)| {
            Some(Stored { kind, handle: self.handle().with_feeds(feeds?) })
        };
        all.into_iter().filter_map(stored).collect()
    }
}

impl Stored {
    /// What they are of.
    pub fn kind(&self) -> StoredKind {
        self.kind
    }

    /// Whose streams there are, in no particular order: users; or the texts that stand for
    /// audiences, and for what is retracted. One may come twice.
    pub fn owners(&self) -> BoxStream<'static, Result<UserId>> {
        let of = self.of();
        let pages = everyone::pages(self.handle.clone(), None);
        pages
            .map_ok(|page| stream::iter(page.users).map(Ok))
            .try_flatten()
            .try_filter(move |owner| std::future::ready(of.is_read(owner)))
            .boxed()
    }

    /// The items of one stream, newest first.
    pub fn items(&self, owner: &UserId) -> BoxStream<'static, Result<StreamItem>> {
        let first = Some((self.handle.clone(), owner.clone(), Position::Offset(0)));
        let chunks = stream::try_unfold(first, |state| async move {
            let Some((handle, owner, position)) = state else { return Ok(None) };
            let read = copy::read(handle.backend(), &owner, position);
            let items = handle.call(Operation::GetStreamItems).of(&owner).run(read).await?;
            let last = items.last().filter(|_| items.len() as u64 == copy::CHUNK);
            let next = last.map(StreamItem::cursor);
            let next = next.map(|place| (handle, owner, Position::After(place)));
            Ok(Some((items, next)))
        });
        chunks.map_ok(|items| stream::iter(items).map(Ok)).try_flatten().boxed()
    }

    /// Stores items, each in the stream of its owner, and returns how many were not there. Called
    /// again it has no effect. A part may be stored if it fails.
    ///
    /// # Errors
    /// `InvalidUserId`; else those of the storage.
    pub async fn add(&self, rows: Vec<(UserId, NewItem)>) -> Result<u64> {
        let (of, handle) = (self.of(), &self.handle);
        let added = async {
            rows.iter().try_for_each(|(owner, _)| handle.check(owner))?;
            let copies = of.copies(handle);
            let there = |(owner, item): (UserId, NewItem)| {
                of.there(&owner, copies).into_iter().map(move |stream| (stream, item.clone()))
            };
            let rows: Vec<_> = rows.into_iter().flat_map(there).collect();
            Ok(served::recipients(bulk::add(handle.backend(), rows).await?, copies))
        };
        handle.call(Operation::BulkAdd).run(added).await
    }

    fn of(&self) -> Of {
        match self.kind {
            StoredKind::Retracted | StoredKind::Audiences => Of::Shared,
            StoredKind::Dismissed => Of::Dismissed,
            StoredKind::Items | StoredKind::Read | StoredKind::Unread => Of::Users,
        }
    }
}
