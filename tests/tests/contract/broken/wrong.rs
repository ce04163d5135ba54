//! The memory backend with one optional operation of feeds that is wrong.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::DateTime;
use futures_util::{StreamExt, stream};
use tokio::task::yield_now;
use user_streams_core::{
    Cursor, Delivery, ItemId, MemoryBackend, MemoryConfig, Name, NewItem, Result, StreamItem,
    UserId, UserIdKind,
    backend::{
        AddStreamItem, Backend, BulkAdd, Capabilities, Capability, Contains, CountNewer,
        CountQuery, DeleteRange, DeleteStream, Hints, ListNewer, ListUsers, MarkQuery, MergedQuery,
        RemoveStreamItem, SetMark, StreamQuery, Than, UsersPage, async_trait,
    },
    time,
};

use super::wrong_feed::WrongFeed;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrong {
    RemoveTakesAll,
    RemoveByTimestamp,
    RemoveCountsNames,
    RemoveIsForEver,
    RemoveServesTheFirstThousand,
    RemoveBeforeTheRecipientsFail,
    RangeTakesItsPlaces,
    RangeByTimestamp,
    RangeOfEveryone,
    RangeSwapsItsPlaces,
    NewerWithoutLimit,
    NewerByTimestamp,
    NewerOfEveryone,
    NewerThanAnyMark,
    ContainsInItsOwnOrder,
    ContainsByTimestamp,
    ContainsTheFirstThousand,
    BulkToTheFirst,
    BulkCountsRows,
    BulkTrims,
    BulkIsCutOff,
    ListsTheFirstPage,
    ListsTheDeleted,
    ListsFromAnywhere,
    MarksOfEveryone,
    MarksMoveBack,
    MarksNeverMoveBack,
    MarksStayForEver,
    MarksByTimestamp,
    MarksLookAndMove,
    MarksGoWithTheItems,
    MarksOfTheConnection,
    FeedIsTheMainOne,
    OneFeedForAll,
    FeedOfTheMainKind,
    FeedWithoutOptions,
    FeedIsNewEachTime,
    FeedOfTheConnection,
    FeedDeletesEverywhere,
    FeedRangeTakesItsPlaces,
    FeedBulkIsCutOff,
    FeedFoldsTextIds,
    FeedStoresNoEmptyContent,
    FeedDeliversAgain,
    FeedRemovesNothing,
    FeedDeletesNothing,
    FeedRangeDeletesNothing,
    FeedRangeTakesTheStream,
    FeedCountsAllAsNewer,
    FeedListsNoTextIds,
    OneFeedForAllOfAKind,
    AudienceIsNobody,
    WatchTellsNothing,
    ListsOlder,
    ListsNewerByTimestamp,
    ListsOfTheFirst,
    ListsWithoutLimit,
    ContainsNothing,
    MergedRepeats,
    MergedIgnoresLess,
    MergedLessByTimestamp,
    MergedCutsOffBeforeLess,
    MergedReadsTheFirstPart,
    MergedIgnoresPlaces,
    MergedIncludesPlaces,
    MergedOnePlaceForAll,
    MergedBeforeFromTheTop,
    MergedOffsetOfEachPart,
    MergedUnknownIsEmpty,
}

/// A connection; all that are made of one share their store.
#[derive(Debug, Clone)]
pub(crate) struct WrongBackend {
    wrong: Wrong,
    pub(super) memory: Arc<MemoryBackend>,
    /// Everyone who ever had an item, and what was removed from their streams.
    known: Arc<Mutex<HashMap<UserId, Vec<Cursor>>>>,
    /// What a connection keeps to itself.
    own: Arc<MemoryBackend>,
}

impl WrongBackend {
    pub(crate) fn new(kind: UserIdKind, wrong: Wrong) -> Self {
        let memory = || Arc::new(MemoryBackend::new(MemoryConfig::new().with_user_id(kind)));
        Self { wrong, memory: memory(), known: Arc::default(), own: memory() }
    }

    /// Another connection.
    pub(crate) fn connect(&self) -> Self {
        Self { own: Self::new(self.kind(), self.wrong).own, ..self.clone() }
    }

    pub(super) fn is(&self, wrong: Wrong) -> bool {
        self.wrong == wrong
    }

    fn kind(&self) -> UserIdKind {
        self.memory.capabilities().user_id()
    }

    fn known(&self) -> MutexGuard<'_, HashMap<UserId, Vec<Cursor>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn items(&self, user: &UserId) -> Result<Vec<Cursor>> {
        let all = self.memory.get_stream_items(StreamQuery::new(user.clone(), u64::MAX)).await?;
        Ok(all.iter().map(StreamItem::cursor).collect())
    }

    async fn remove(&self, user: &UserId, item: Cursor) -> Result<u64> {
        self.memory.remove_stream_item(RemoveStreamItem::new(user, item)).await
    }

    /// Removes the item from the stream of one user.
    async fn remove_wrongly(&self, user: &UserId, item: Cursor) -> Result<u64> {
        match self.wrong {
            Wrong::RemoveByTimestamp => {
                let same = |other: &Cursor| other.created_at() == item.created_at();
                let mut removed = 0;
                for other in self.items(user).await?.into_iter().filter(same) {
                    removed += self.remove(user, other).await?;
                }
                return Ok(removed.min(1));
            }
            Wrong::RemoveTakesAll if self.items(user).await?.contains(&item) => {
                self.memory.delete_stream(DeleteStream::new(user.clone())).await?;
                return Ok(1);
            }
            Wrong::RemoveIsForEver => self.known().entry(user.clone()).or_default().push(item),
            _ => {}
        }
        let removed = self.remove(user, item).await?;
        Ok(if self.is(Wrong::RemoveCountsNames) { 1 } else { removed })
    }

    /// Where marks are kept.
    fn marks(&self) -> &MemoryBackend {
        if self.is(Wrong::MarksOfTheConnection) { &self.own } else { &self.memory }
    }

    fn mark_user(&self, user: UserId) -> UserId {
        if self.is(Wrong::MarksOfEveryone) { UserId::Int(0) } else { user }
    }
}

/// A place of the same timestamp.
pub(super) fn with_id(place: Cursor, id: i64) -> Cursor {
    Cursor::new(place.created_at(), ItemId::try_from(id).expect("a positive number"))
}

#[async_trait]
impl Backend for WrongBackend {
    fn capabilities(&self) -> Capabilities {
        // Its connections share a store.
        let mut all = self.memory.capabilities().with(Capability::Durable);
        if self.is(Wrong::WatchTellsNothing) {
            all = all.with(Capability::Watch);
        }
        // What core makes of the other operations is there to catch what is wrong with those.
        if self.merges_wrongly() { all } else { all.without(Capability::GetMerged) }
    }

    fn inner(&self) -> Option<&dyn Backend> {
        Some(&self.memory)
    }

    async fn add_stream_item(&self, args: AddStreamItem) -> Result<Delivery> {
        let (recipients, item, _) = args.into_parts();
        let mut chunks = match recipients.into_chunks("wrong", self.kind(), 1_000) {
            Err(_) if self.is(Wrong::AudienceIsNobody) => {
                return Ok(Delivery::new(item.cursor(), 0));
            }
            chunks => chunks?,
        };
        let mut users = Vec::new();
        while let Some(chunk) = chunks.next().await? {
            users.extend(chunk.users);
        }
        let args = AddStreamItem::new(users.clone(), item.clone())?;
        let mut delivery = self.memory.add_stream_item(args).await?;
        for user in users {
            let removed = self.known().entry(user.clone()).or_default().contains(&item.cursor());
            if removed {
                delivery.delivered -= self.remove(&user, item.cursor()).await?;
            }
        }
        Ok(delivery)
    }

    async fn get_stream_items(&self, query: StreamQuery) -> Result<Vec<StreamItem>> {
        self.memory.get_stream_items(query).await
    }

    async fn count_stream_items(&self, query: CountQuery) -> Result<u64> {
        self.memory.count_stream_items(query).await
    }

    async fn delete_stream(&self, args: DeleteStream) -> Result<u64> {
        if self.is(Wrong::MarksGoWithTheItems) {
            let seen = "seen".parse()?;
            self.memory.set_mark(SetMark::remove(args.user.clone(), seen)).await?;
        }
        self.memory.delete_stream(args).await
    }

    async fn remove_stream_item(&self, args: RemoveStreamItem) -> Result<u64> {
        let mut chunks = args.recipients.into_chunks("wrong", self.kind(), 1)?;
        let mut users = Vec::new();
        let mut removed = 0;
        while let Some(chunk) = chunks.next().await? {
            if self.is(Wrong::RemoveBeforeTheRecipientsFail) {
                for user in chunk.users {
                    removed += self.remove(&user, args.item).await?;
                }
            } else {
                users.extend(chunk.users);
            }
        }
        if self.is(Wrong::RemoveServesTheFirstThousand) {
            users.truncate(1_000);
        }
        for user in users {
            removed += self.remove_wrongly(&user, args.item).await?;
        }
        Ok(removed)
    }

    async fn delete_range(&self, mut args: DeleteRange) -> Result<u64> {
        let places = [args.newer_than, args.older_than];
        match self.wrong {
            Wrong::RangeByTimestamp => {
                args.newer_than = args.newer_than.map(|place| with_id(place, i64::MAX));
                args.older_than = args.older_than.map(|place| with_id(place, 1));
            }
            Wrong::RangeSwapsItsPlaces if places[0] > places[1] && places[1].is_some() => {
                (args.newer_than, args.older_than) = (args.older_than, args.newer_than);
            }
            _ => {}
        }
        let mut deleted = 0;
        if self.is(Wrong::RangeTakesItsPlaces) {
            for place in places.into_iter().flatten() {
                deleted += self.remove(&args.user, place).await?;
            }
        }
        if self.is(Wrong::RangeOfEveryone) {
            let everyone: Vec<_> = self.known().keys().cloned().collect();
            for user in everyone {
                if user != args.user {
                    self.memory.delete_range(DeleteRange::new(user)).await?;
                }
            }
        }
        Ok(deleted + self.memory.delete_range(args).await?)
    }

    async fn count_newer(&self, mut query: CountNewer) -> Result<u64> {
        match self.wrong {
            Wrong::NewerWithoutLimit => query.limit = u64::MAX,
            Wrong::NewerByTimestamp => {
                if let Than::Cursor(place) = &mut query.than {
                    *place = with_id(*place, i64::MAX);
                }
            }
            Wrong::NewerThanAnyMark if matches!(query.than, Than::Mark(_)) => {
                let since_ever = DateTime::from_timestamp_micros(time::MIN_MICROS);
                let id = ItemId::generate();
                query.than = Than::Cursor(Cursor::new(since_ever.unwrap_or_default(), id));
            }
            Wrong::NewerOfEveryone => {
                let everyone: Vec<_> = self.known().keys().cloned().collect();
                let mut newer = 0;
                for user in everyone {
                    let mut query = query.clone();
                    query.user = user;
                    newer += self.memory.count_newer(query).await?;
                }
                return Ok(newer);
            }
            _ => {}
        }
        self.memory.count_newer(query).await
    }

    async fn watch(&self) -> Result<Hints> {
        Ok(stream::pending().boxed())
    }

    async fn list_newer(&self, mut query: ListNewer) -> Result<Vec<(UserId, Cursor)>> {
        match self.wrong {
            Wrong::ListsOlder => {
                let long_ago = DateTime::from_timestamp_micros(0).unwrap_or_default();
                query.than = Cursor::new(long_ago, query.than.id());
            }
            Wrong::ListsNewerByTimestamp => {
                let last = ItemId::try_from(i64::MAX).expect("an id");
                query.than = Cursor::new(query.than.created_at(), last);
            }
            Wrong::ListsOfTheFirst => query.users.truncate(1),
            Wrong::ListsWithoutLimit => query.limit = u64::MAX,
            _ => {}
        }
        self.memory.list_newer(query).await
    }

    async fn contains(&self, mut query: Contains) -> Result<Vec<bool>> {
        match self.wrong {
            Wrong::ContainsNothing => return Ok(vec![false; query.pairs.len()]),
            Wrong::ContainsInItsOwnOrder => query.pairs.sort_by_key(|(_, item)| *item),
            Wrong::ContainsByTimestamp => {
                let mut there = Vec::new();
                for (user, item) in query.pairs {
                    let same = |other: &Cursor| other.created_at() == item.created_at();
                    there.push(self.items(&user).await?.iter().any(same));
                }
                return Ok(there);
            }
            Wrong::ContainsTheFirstThousand => {
                let number = query.pairs.len();
                query.pairs.truncate(1_000);
                let mut there = self.memory.contains(query).await?;
                there.resize(number, false);
                return Ok(there);
            }
            _ => {}
        }
        self.memory.contains(query).await
    }

    async fn bulk_add(&self, args: BulkAdd) -> Result<u64> {
        let mut rows = args.into_rows();
        let number = rows.len() as u64;
        match self.wrong {
            Wrong::BulkToTheFirst => {
                if let Some((first, _)) = rows.first().cloned() {
                    rows.iter_mut().for_each(|(user, _)| user.clone_from(&first));
                }
            }
            Wrong::BulkTrims => {
                for (_, item) in &mut rows {
                    *item = NewItem::new(item.content().trim())
                        .with_id(item.id())
                        .with_created_at(&item.created_at());
                }
            }
            Wrong::BulkIsCutOff => rows.truncate(4_096),
            _ => {}
        }
        let added = self.memory.bulk_add(BulkAdd::new(rows)?).await?;
        Ok(if self.is(Wrong::BulkCountsRows) { number } else { added })
    }

    async fn list_users(&self, mut query: ListUsers) -> Result<UsersPage> {
        if self.is(Wrong::ListsFromAnywhere) {
            query.after = None;
        }
        let mut page = self.memory.list_users(query).await?;
        match self.wrong {
            Wrong::ListsTheFirstPage => page.next = None,
            Wrong::ListsTheDeleted => page.users.extend(self.known().keys().cloned()),
            _ => {}
        }
        Ok(page)
    }

    async fn mark(&self, query: MarkQuery) -> Result<Option<Cursor>> {
        let query = MarkQuery::new(self.mark_user(query.user), query.name);
        self.marks().mark(query).await
    }

    async fn set_mark(&self, mut args: SetMark) -> Result<bool> {
        args.user = self.mark_user(args.user);
        match self.wrong {
            Wrong::MarksMoveBack => args.back = true,
            Wrong::MarksNeverMoveBack => args.back &= args.to.is_none(),
            Wrong::MarksStayForEver if args.to.is_none() => return Ok(true),
            Wrong::MarksByTimestamp => args.to = args.to.map(|place| with_id(place, 1)),
            Wrong::MarksLookAndMove => {
                let query = MarkQuery::new(args.user.clone(), args.name.clone());
                let now = self.memory.mark(query).await?;
                yield_now().await;
                if !args.back && args.to <= now {
                    return Ok(false);
                }
                args.back = true;
            }
            _ => {}
        }
        self.marks().set_mark(args).await
    }

    async fn get_merged(&self, query: MergedQuery) -> Result<Vec<StreamItem>> {
        self.merged(query).await
    }

    fn feed(&self, name: &Name, user_id: UserIdKind) -> Result<Arc<dyn Backend>> {
        let feed: Arc<dyn Backend> = match self.wrong {
            Wrong::FeedIsTheMainOne => Arc::new(self.clone()),
            Wrong::OneFeedForAll => self.memory.feed(&"all".parse()?, user_id)?,
            Wrong::OneFeedForAllOfAKind => {
                self.memory.feed(&format!("all_{user_id}").parse()?, user_id)?
            }
            Wrong::FeedOfTheMainKind => self.memory.feed(name, self.kind())?,
            Wrong::FeedIsNewEachTime => Arc::new(Self::new(user_id, self.wrong)),
            Wrong::FeedOfTheConnection => self.own.feed(name, user_id)?,
            _ => self.memory.feed(name, user_id)?,
        };
        Ok(Arc::new(WrongFeed::new(self.clone(), feed)))
    }
}
