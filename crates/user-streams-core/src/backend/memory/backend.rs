//! The operations.

use std::{
    collections::{BTreeMap, HashMap, HashSet, btree_map::Entry},
    future::poll_fn,
    mem,
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
};

use async_trait::async_trait;

use super::config::MemoryConfig;
use crate::{
    Cursor, Delivery, Error, ErrorKind, Name, Recipients, Result, StreamItem, UserId, UserIdKind,
    backend::{
        AddStreamItem, Backend, BulkAdd, Capabilities, Capability, Contains, CountNewer,
        CountQuery, DeleteRange, DeleteStream, ListNewer, ListUsers, MarkQuery, MergedPart,
        MergedQuery, Position, RemoveStreamItem, RepairStream, SetMark, StreamQuery, Than,
        UsersCursor, UsersPage,
    },
};

const NAME: &str = "memory";

/// Streams in the memory of this process, gone with the value. Scheme `memory://`.
#[derive(Debug, Default)]
pub struct MemoryBackend {
    config: MemoryConfig,
    streams: Mutex<HashMap<UserId, Stream>>,
    marks: Mutex<HashMap<(UserId, Name), Cursor>>,
    feeds: Mutex<HashMap<Name, Arc<Self>>>,
}

type Stream = BTreeMap<Cursor, Arc<str>>;

impl MemoryBackend {
    /// An empty store.
    pub fn new(config: MemoryConfig) -> Self {
        Self { config, ..Self::default() }
    }

    fn streams(&self) -> MutexGuard<'_, HashMap<UserId, Stream>> {
        locked(&self.streams)
    }

    /// What is there of a part of a merged stream.
    fn part(&self, part: &MergedPart) -> Result<Stream> {
        let stream = |backend: &Self| {
            let streams = backend.streams();
            let stream = streams.get(&part.user).into_iter().flatten();
            let items = stream.filter(|(item, _)| Some(**item) > part.newer_than);
            items.map(|(item, content)| (*item, Arc::clone(content))).collect()
        };
        let Some(name) = &part.feed else { return Ok(stream(self)) };
        match locked(&self.feeds).get(name) {
            Some(feed) => Ok(stream(feed)),
            None => {
                let message = format!("`{name}` is no feed of this backend");
                Err(Error::new(ErrorKind::InvalidArgument, message))
            }
        }
    }

    /// All recipients. They are gathered before any is served, so that a failing stream changes
    /// nothing.
    async fn gather(&self, recipients: Recipients) -> Result<HashSet<UserId>> {
        let mut chunks = recipients.into_chunks(NAME, self.config.user_id, 1_000)?;
        let mut users = HashSet::new();
        while let Some(chunk) = chunks.next().await? {
            users.extend(chunk.users);
            // An iterator without end must leave the thread to others, and be dropped if its caller
            // gives up.
            yield_now().await;
        }
        Ok(users)
    }
}

fn read(stream: &Stream, position: Position, limit: u64) -> Vec<StreamItem> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let item = |(cursor, content): (&Cursor, &Arc<str>)| {
        StreamItem::new(cursor.id(), cursor.created_at(), &**content)
    };
    match position {
        Position::Offset(offset) => {
            let offset = usize::try_from(offset).unwrap_or(usize::MAX);
            stream.iter().rev().skip(offset).take(limit).map(item).collect()
        }
        Position::After(cursor) => stream.range(..cursor).rev().take(limit).map(item).collect(),
        Position::Before(cursor) => {
            let newer = stream.range((Bound::Excluded(cursor), Bound::Unbounded));
            let mut items: Vec<_> = newer.take(limit).map(item).collect();
            items.reverse();
            items
        }
    }
}

/// Every change is one call of a map, so a panic elsewhere cannot leave it half done.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Is pending once: core has no runtime whose own it could call.
async fn yield_now() {
    let mut yielded = false;
    poll_fn(|context| {
        if mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[async_trait]
impl Backend for MemoryBackend {
    fn capabilities(&self) -> Capabilities {
        Capabilities::new(NAME, self.config.user_id)
            .with(Capability::Migrate)
            .with(Capability::DeleteStream)
            .with(Capability::AtomicBroadcast)
            .with(Capability::RepairStream)
            .with(Capability::RemoveStreamItem)
            .with(Capability::DeleteRange)
            .with(Capability::CountNewer)
            .with(Capability::Contains)
            .with(Capability::BulkAdd)
            .with(Capability::ListUsers)
            .with(Capability::Marks)
            .with(Capability::Feeds)
            .with(Capability::GetMerged)
            .with(Capability::ListNewer)
    }

    async fn add_stream_item(&self, args: AddStreamItem) -> Result<Delivery> {
        let (recipients, item, mut on_progress) = args.into_parts();
        let users = self.gather(recipients).await?;
        let cursor = item.cursor();
        let content: Arc<str> = item.into_content().into();
        let mut delivered = 0;
        {
            let mut streams = self.streams();
            for user in users {
                if let Entry::Vacant(place) = streams.entry(user).or_default().entry(cursor) {
                    place.insert(Arc::clone(&content));
                    delivered += 1;
                }
            }
        }
        if let Some(report) = &mut on_progress {
            report(delivered);
        }
        Ok(Delivery::new(cursor, delivered))
    }

    async fn get_stream_items(&self, query: StreamQuery) -> Result<Vec<StreamItem>> {
        let streams = self.streams();
        let stream = streams.get(&query.user);
        Ok(stream.map_or_else(Vec::new, |stream| read(stream, query.position, query.limit)))
    }

    async fn count_stream_items(&self, query: CountQuery) -> Result<u64> {
        Ok(self.streams().get(&query.user).map_or(0, |stream| stream.len() as u64))
    }

    async fn migrate(&self) -> Result<()> {
        Ok(())
    }

    async fn delete_stream(&self, args: DeleteStream) -> Result<u64> {
        Ok(self.streams().remove(&args.user).map_or(0, |stream| stream.len() as u64))
    }

    /// Nothing is ever damaged here.
    async fn repair_stream(&self, _args: RepairStream) -> Result<u64> {
        Ok(0)
    }

    async fn remove_stream_item(&self, args: RemoveStreamItem) -> Result<u64> {
        let users = self.gather(args.recipients).await?;
        let mut streams = self.streams();
        let remove = |user| streams.get_mut(user)?.remove(&args.item);
        Ok(users.iter().filter_map(remove).count() as u64)
    }

    async fn delete_range(&self, args: DeleteRange) -> Result<u64> {
        let mut streams = self.streams();
        let Some(stream) = streams.get_mut(&args.user) else { return Ok(0) };
        let before = stream.len();
        stream.retain(|item, _| {
            args.newer_than.is_some_and(|place| *item <= place)
                || args.older_than.is_some_and(|place| *item >= place)
        });
        Ok((before - stream.len()) as u64)
    }

    async fn count_newer(&self, query: CountNewer) -> Result<u64> {
        let than = match query.than {
            Than::Cursor(place) => Bound::Excluded(place),
            Than::Mark(name) => {
                let mark = locked(&self.marks).get(&(query.user.clone(), name)).copied();
                mark.map_or(Bound::Unbounded, Bound::Excluded)
            }
        };
        let streams = self.streams();
        let Some(stream) = streams.get(&query.user) else { return Ok(0) };
        let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
        let newer = stream.range((than, Bound::Unbounded));
        Ok(newer.take(limit).count() as u64)
    }

    async fn contains(&self, query: Contains) -> Result<Vec<bool>> {
        let streams = self.streams();
        let is_there = |(user, item): &(UserId, Cursor)| {
            streams.get(user).is_some_and(|stream| stream.contains_key(item))
        };
        Ok(query.pairs.iter().map(is_there).collect())
    }

    async fn bulk_add(&self, args: BulkAdd) -> Result<u64> {
        let mut streams = self.streams();
        let mut added = 0;
        for (user, item) in args.into_rows() {
            let stream = streams.entry(user).or_default();
            if let Entry::Vacant(place) = stream.entry(item.cursor()) {
                place.insert(item.into_content().into());
                added += 1;
            }
        }
        Ok(added)
    }

    async fn list_users(&self, query: ListUsers) -> Result<UsersPage> {
        let after = query.after.map(|place| serde_json::from_str(place.as_str()));
        let after: Option<UserId> = after.transpose().map_err(|error| {
            Error::new(ErrorKind::InvalidCursor, "not a place in this list").with_source(error)
        })?;
        let mut users: Vec<_> = {
            let streams = self.streams();
            let has_items = |(user, stream): &(&UserId, &Stream)| {
                !stream.is_empty() && after.as_ref().is_none_or(|after| *user > after)
            };
            streams.iter().filter(has_items).map(|(user, _)| user.clone()).collect()
        };
        users.sort_unstable();
        let limit = usize::try_from(query.limit.max(1)).unwrap_or(usize::MAX);
        let has_more = users.len() > limit;
        users.truncate(limit);
        let place = |user| serde_json::to_string(user).ok().map(UsersCursor::new);
        let next = users.last().filter(|_| has_more).and_then(place);
        Ok(UsersPage::new(users, next))
    }

    async fn mark(&self, query: MarkQuery) -> Result<Option<Cursor>> {
        Ok(locked(&self.marks).get(&(query.user, query.name)).copied())
    }

    async fn set_mark(&self, args: SetMark) -> Result<bool> {
        let mut marks = locked(&self.marks);
        let key = (args.user, args.name);
        let now = marks.get(&key).copied();
        let moves = if args.back { now != args.to } else { now < args.to };
        match args.to {
            _ if !moves => {}
            Some(to) => _ = marks.insert(key, to),
            None => _ = marks.remove(&key),
        }
        Ok(moves)
    }

    async fn get_merged(&self, query: MergedQuery) -> Result<Vec<StreamItem>> {
        let mut merged = Stream::new();
        for part in &query.parts {
            merged.extend(self.part(part)?);
        }
        for part in &query.less {
            self.part(part)?.keys().for_each(|item| _ = merged.remove(item));
        }
        Ok(read(&merged, query.position, query.limit))
    }

    async fn list_newer(&self, query: ListNewer) -> Result<Vec<(UserId, Cursor)>> {
        let streams = self.streams();
        let newer = query.users.iter().flat_map(|user| {
            let newer = (Bound::Excluded(query.than), Bound::Unbounded);
            let items = streams.get(user).into_iter().flat_map(move |items| items.range(newer));
            items.map(|(item, _)| (user.clone(), *item))
        });
        Ok(newer.take(usize::try_from(query.limit).unwrap_or(usize::MAX)).collect())
    }

    fn feed(&self, name: &Name, user_id: UserIdKind) -> Result<Arc<dyn Backend>> {
        let mut feeds = locked(&self.feeds);
        let new = || Arc::new(Self::new(MemoryConfig::new().with_user_id(user_id)));
        let feed = feeds.entry(name.clone()).or_insert_with(new);
        if feed.config.user_id == user_id {
            return Ok(Arc::clone(feed) as _);
        }
        let message =
            format!("the feed `{name}` has ids of the kind {}, not {user_id}", feed.config.user_id);
        Err(Error::new(ErrorKind::InvalidArgument, message))
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        task::{Context, Waker},
    };

    use super::*;
    use crate::{Recipients, Streams};

    #[tokio::test]
    async fn a_long_add_yields_and_a_dropped_one_stores_nothing() {
        let streams = Streams::from_backend(MemoryBackend::default());
        {
            let mut add =
                pin!(streams.add_stream_item(Recipients::iter(0..10_000), "item").into_future());
            for _ in 0..3 {
                assert!(add.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
                streams.add_stream_item(1, "another").await.unwrap();
            }
        }
        assert_eq!(streams.get_stream_items(1).count().await.unwrap(), 3);
        assert_eq!(streams.get_stream_items(2).count().await.unwrap(), 0);
    }
}
