//! One stored stream: a backend's operations, and what stands in for those that it lacks.

use std::collections::BTreeSet;

use crate::{
    Cursor, Result, StreamItem, UserId,
    backend::{
        Backend, Capability, Contains, CountNewer, CountQuery, MergedPart, Position, StreamQuery,
    },
    feeds::Store,
    live::Subscribed,
};

/// How many items are read at a time.
pub(crate) const CHUNK: u64 = 256;

/// The stream of a user in a backend.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    store: Store,
    user: UserId,
    /// Items up to here are not there.
    above: Option<Cursor>,
    /// Whether many read it.
    is_shared: bool,
}

impl Part {
    pub(crate) fn new(store: &Store, user: UserId) -> Self {
        Self { store: store.clone(), user, above: None, is_shared: false }
    }

    /// Only what is newer than a place.
    pub(crate) fn newer_than(self, above: Option<Cursor>) -> Self {
        Self { above, ..self }
    }

    /// A stream that many read.
    pub(crate) fn shared(self) -> Self {
        Self { is_shared: true, ..self }
    }

    /// The same for who wants to know what comes.
    pub(crate) fn to_subscribe(&self) -> Subscribed {
        let (store, user) = (self.store.clone(), self.user.clone());
        Subscribed { store, user, is_shared: self.is_shared }
    }

    /// Whether an item at this place is there if it is stored.
    pub(crate) fn spans(&self, item: Cursor) -> bool {
        Some(item) > self.above
    }

    fn backend(&self) -> &dyn Backend {
        self.store.backend()
    }

    /// The same for a backend that reads several at once.
    pub(crate) fn to_merge(&self) -> MergedPart {
        let part = MergedPart::new(self.store.name.clone(), self.user.clone());
        part.newer_than(self.above)
    }

    pub(crate) fn has(&self, capability: Capability) -> bool {
        self.backend().capabilities().has(capability)
    }

    /// Up to `limit` items from a position on.
    pub(crate) async fn read(&self, position: Position, limit: u64) -> Result<Vec<StreamItem>> {
        let position = match (position, self.above) {
            (Position::Before(place), Some(above)) => Position::Before(place.max(above)),
            (position, _) => position,
        };
        let query = StreamQuery::new(self.user.clone(), limit).with_position(position);
        let mut items = self.backend().get_stream_items(query).await?;
        if self.above.is_some() {
            items.retain(|item| self.spans(item.cursor()));
        }
        Ok(items)
    }

    /// The number of items that are newer than a place, or of all, up to `limit`.
    pub(crate) async fn newer(&self, than: Option<Cursor>, limit: u64) -> Result<u64> {
        let Some(than) = than.max(self.above) else { return self.count_up_to(limit).await };
        if limit == 0 {
            return Ok(0);
        }
        if self.has(Capability::CountNewer) {
            let query = CountNewer::new(self.user.clone(), than).with_limit(limit);
            return self.backend().count_newer(query).await;
        }
        let (mut newer, mut position) = (0, Position::Offset(0));
        loop {
            let items = self.read(position, (limit - newer).min(CHUNK)).await?;
            let counted = items.iter().take_while(|item| item.cursor() > than).count();
            newer += counted as u64;
            match items.last() {
                Some(last) if counted == items.len() && newer < limit => {
                    position = Position::After(last.cursor());
                }
                _ => return Ok(newer),
            }
        }
    }

    /// The number of items, up to `limit`. A long stream is not counted whole for a small limit.
    async fn count_up_to(&self, limit: u64) -> Result<u64> {
        if limit < u64::MAX && self.has(Capability::CountNewer) {
            let first = CountNewer::new(self.user.clone(), Cursor::FIRST).with_limit(limit);
            if self.backend().count_newer(first).await? == limit {
                return Ok(limit);
            }
        }
        let query = CountQuery::new(self.user.clone());
        Ok(self.backend().count_stream_items(query).await?.min(limit))
    }

    /// Whether each of these items is there.
    pub(crate) async fn contains(&self, items: &[Cursor]) -> Result<Vec<bool>> {
        let mut there = self.stores(items).await?;
        for (item, there) in items.iter().zip(&mut there) {
            *there = *there && self.spans(*item);
        }
        Ok(there)
    }

    async fn stores(&self, items: &[Cursor]) -> Result<Vec<bool>> {
        if items.is_empty() {
            return Ok(Vec::new());
        }
        if self.has(Capability::Contains) {
            let pairs = items.iter().map(|item| (self.user.clone(), *item)).collect();
            return self.backend().contains(Contains::new(pairs)).await;
        }
        let found = self.get_all(items.iter().copied().collect()).await?;
        let found: BTreeSet<_> = found.iter().map(StreamItem::cursor).collect();
        Ok(items.iter().map(|item| found.contains(item)).collect())
    }

    /// The item at a place, if there is one.
    pub(crate) async fn get(&self, place: Cursor) -> Result<Option<StreamItem>> {
        Ok(self.get_all(BTreeSet::from([place])).await?.pop())
    }

    /// The items at these places that are there. Those that are near to each other are read at
    /// once.
    pub(crate) async fn get_all(&self, mut places: BTreeSet<Cursor>) -> Result<Vec<StreamItem>> {
        let mut found = Vec::new();
        while let Some(oldest) = places.first().copied() {
            let near = (places.len() as u64).min(CHUNK);
            let items = match oldest.previous() {
                Some(previous) => self.read(Position::Before(previous), near).await?,
                // It is the very first place, so whatever ends the stream is near.
                None => self.read(Position::After(oldest.last_of_instant()), u64::MAX).await?,
            };
            // Of those up to the newest that was read, all that are there have been read.
            let newest = items.first().map_or(Cursor::LAST, StreamItem::cursor).max(oldest);
            found.extend(items.into_iter().filter(|item| places.contains(&item.cursor())));
            places.retain(|place| *place > newest);
        }
        Ok(found)
    }

    /// The places of all items, or of those down to a place and some more.
    pub(crate) async fn places(&self, oldest: Option<Cursor>) -> Result<Vec<Cursor>> {
        let (mut places, mut position) = (Vec::new(), Position::Offset(0));
        loop {
            let chunk = self.read(position, CHUNK).await?;
            places.extend(chunk.iter().map(StreamItem::cursor));
            match chunk.last().map(StreamItem::cursor) {
                Some(last)
                    if chunk.len() as u64 == CHUNK && oldest.is_none_or(|end| last > end) =>
                {
                    position = Position::After(last);
                }
                _ => return Ok(places),
            }
        }
    }
}
