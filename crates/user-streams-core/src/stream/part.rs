//! One stored stream: a backend's operations, and what stands in for those that it lacks.

use std::sync::Arc;

use crate::{
    Cursor, Result, StreamItem, UserId,
    backend::{Backend, Capability, Contains, CountNewer, CountQuery, Position, StreamQuery},
};

/// How many items are read at a time.
pub(crate) const CHUNK: u64 = 256;

/// The stream of a user in a backend.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) user: UserId,
}

impl Part {
    /// The backend itself and not the `Arc`, whose own implementation would box each future again.
    pub(crate) fn backend(&self) -> &dyn Backend {
        &*self.backend
    }

    pub(crate) fn has(&self, capability: Capability) -> bool {
        self.backend().capabilities().has(capability)
    }

    /// Up to `limit` items from a position on.
    pub(crate) async fn read(&self, position: Position, limit: u64) -> Result<Vec<StreamItem>> {
        let query = StreamQuery::new(self.user.clone(), limit).with_position(position);
        self.backend().get_stream_items(query).await
    }

    pub(crate) async fn count(&self) -> Result<u64> {
        self.backend().count_stream_items(CountQuery::new(self.user.clone())).await
    }

    /// The number of items that are newer than a place, or of all, up to `limit`.
    pub(crate) async fn newer(&self, than: Option<Cursor>, limit: u64) -> Result<u64> {
        let Some(than) = than else { return self.count_up_to(limit).await };
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
        Ok(self.count().await?.min(limit))
    }

    /// Whether each of these items is there.
    pub(crate) async fn contains(&self, items: &[Cursor]) -> Result<Vec<bool>> {
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
}
