//! One stored stream: a backend's operations, and what stands in for those that it lacks.

use crate::{
    Cursor, Result, StreamItem, UserId,
    backend::{
        Backend, Capability, Contains, CountNewer, CountQuery, MergedPart, Position, StreamQuery,
    },
    feeds::Store,
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
}

impl Part {
    pub(crate) fn new(store: &Store, user: UserId) -> Self {
        Self { store: store.clone(), user, above: None }
    }

    /// Only what is newer than a place.
    pub(crate) fn newer_than(self, above: Option<Cursor>) -> Self {
        Self { above, ..self }
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
            items.retain(|item| Some(item.cursor()) > self.above);
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
            *there = *there && Some(*item) > self.above;
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
        let mut there = Vec::with_capacity(items.len());
        for item in items {
            let nearest = match item.previous() {
                Some(previous) => self.read(Position::Before(previous), 1).await?,
                // It is the very first place, so whatever ends the stream is near.
                None => self.read(Position::After(item.last_of_instant()), u64::MAX).await?,
            };
            there.push(nearest.iter().any(|nearest| nearest.cursor() == *item));
        }
        Ok(there)
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
