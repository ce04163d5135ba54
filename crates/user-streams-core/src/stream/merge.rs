//! Several stored streams of a user read as one, less what is in others: an item that is in several
//! is there once.

use std::{cmp::Reverse, sync::Arc};

use futures_util::future::{try_join, try_join_all};

use crate::{
    Cursor, Error, Result, StreamItem,
    backend::{Backend, Capability, MergedQuery, Position},
    stream::part::{CHUNK, Part},
};

const TOP: Position = Position::Offset(0);

/// The stored streams that are read as one.
#[derive(Debug, Clone)]
pub(crate) struct Parts {
    /// What they are streams of, which may read several at once.
    pub(super) root: Arc<dyn Backend>,
    pub(super) main: Part,
    pub(super) others: Vec<Part>,
    /// What of these is in one of them is hidden.
    pub(super) hidden: Vec<Part>,
}

impl Parts {
    /// Whether it is one stream as it is stored.
    pub(crate) fn are_plain(&self) -> bool {
        self.others.is_empty() && self.hidden.is_empty()
    }

    /// Up to `limit` items from a position on. What an offset passes over in several streams is
    /// read, since nobody knows how many of it each has.
    pub(crate) async fn read(&self, position: Position, limit: u64) -> Result<Vec<StreamItem>> {
        match position {
            _ if self.are_plain() => self.main.read(position, limit).await,
            Position::Offset(offset) => self.skip(TOP, offset, limit).await,
            position => self.merged(position, limit).await,
        }
    }

    /// Up to `limit` items after the first `offset` of those that are older than a place.
    pub(crate) async fn older(
        &self,
        than: Cursor,
        offset: u64,
        limit: u64,
    ) -> Result<Vec<StreamItem>> {
        if offset == 0 {
            return self.read(Position::After(than), limit).await;
        }
        if self.are_plain() {
            let newer = self.main.newer(than.previous(), u64::MAX).await?;
            return self.main.read(Position::Offset(newer.saturating_add(offset)), limit).await;
        }
        self.skip(Position::After(than), offset, limit).await
    }

    /// The number of items that are newer than a place, or of all, up to `limit`; those from
    /// `below` on do not count.
    pub(crate) async fn count(
        &self,
        than: Option<Cursor>,
        below: Option<Cursor>,
        limit: u64,
    ) -> Result<u64> {
        if self.are_plain() {
            return between(&self.main, than, below, limit).await;
        }
        let hidden = self.count_hidden(than, below).await?;
        let stored = self.count_stored(than, below, limit.saturating_add(hidden)).await?;
        Ok(stored.saturating_sub(hidden).min(limit))
    }

    /// Whether each of these items is in any of the streams, and not hidden.
    pub(crate) async fn contains(&self, items: &[Cursor]) -> Result<Vec<bool>> {
        let parts: Vec<_> = self.iter().collect();
        let (mut there, hidden) =
            try_join(contained(&parts, items), self.are_hidden(items)).await?;
        there.iter_mut().zip(hidden).for_each(|(there, hidden)| *there &= !hidden);
        Ok(there)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Part> {
        [&self.main].into_iter().chain(&self.others)
    }

    /// Up to `limit` items from a position on, in one exchange where the backend has it.
    async fn merged(&self, position: Position, limit: u64) -> Result<Vec<StreamItem>> {
        if limit > 0 && self.root.capabilities().has(Capability::GetMerged) {
            let parts = self.iter().map(Part::to_merge).collect();
            let less = self.hidden.iter().map(Part::to_merge).collect();
            let query = MergedQuery::new(parts, limit).less(less).with_position(position);
            return self.root.get_merged(query).await;
        }
        let (mut from, mut step, mut found) = (position, limit, Vec::new());
        loop {
            let mut items = self.stored(from, step).await?;
            let is_end = (items.len() as u64) < step;
            let places: Vec<_> = items.iter().map(StreamItem::cursor).collect();
            let hidden = self.are_hidden(&places).await?;
            let mut hidden = hidden.into_iter();
            items.retain(|_| hidden.next() != Some(true));
            from = match (from, places.first(), places.last()) {
                (Position::Before(_), Some(newest), _) => {
                    // What is nearer has been found already.
                    items.append(&mut found);
                    found = items;
                    Position::Before(*newest)
                }
                (_, _, Some(oldest)) => {
                    found.append(&mut items);
                    Position::After(*oldest)
                }
                (_, _, None) => return Ok(found),
            };
            if is_end || found.len() as u64 >= limit {
                return Ok(nearest(found, position, limit));
            }
            // More each time, since many in a row may be hidden.
            step = step.saturating_mul(2).min(CHUNK).max(limit - found.len() as u64);
        }
    }

    /// Up to `limit` items from a position on, hidden ones too: several reads, and what is nearest
    /// to the position out of all of them.
    async fn stored(&self, position: Position, limit: u64) -> Result<Vec<StreamItem>> {
        if self.others.is_empty() {
            return self.main.read(position, limit).await;
        }
        let read = try_join_all(self.iter().map(|part| part.read(position, limit))).await?;
        let mut items: Vec<_> = read.into_iter().flatten().collect();
        items.sort_by_key(|item| Reverse(item.cursor()));
        items.dedup_by_key(|item| item.cursor());
        Ok(nearest(items, position, limit))
    }

    async fn are_hidden(&self, items: &[Cursor]) -> Result<Vec<bool>> {
        if items.is_empty() || self.hidden.is_empty() {
            return Ok(vec![false; items.len()]);
        }
        contained(&self.hidden.iter().collect::<Vec<_>>(), items).await
    }

    async fn skip(
        &self,
        mut position: Position,
        mut offset: u64,
        limit: u64,
    ) -> Result<Vec<StreamItem>> {
        // What is passed last is read together with what is wanted.
        while offset > 0 && offset.saturating_add(limit) > CHUNK {
            let step = offset.min(CHUNK);
            let passed = self.merged(position, step).await?;
            match passed.last() {
                Some(last) if passed.len() as u64 == step => {
                    position = Position::After(last.cursor());
                    offset -= step;
                }
                _ => return Ok(Vec::new()),
            }
        }
        let mut items = self.merged(position, offset.saturating_add(limit)).await?;
        let passed = usize::try_from(offset).unwrap_or(usize::MAX).min(items.len());
        items.drain(..passed);
        Ok(items)
    }

    /// The number of items between two places, up to `limit`, hidden ones too.
    async fn count_stored(
        &self,
        than: Option<Cursor>,
        below: Option<Cursor>,
        limit: u64,
    ) -> Result<u64> {
        let mut counted = try_join_all(self.iter().map(|part| async move {
            Ok::<_, Error>((between(part, than, below, limit).await?, part))
        }))
        .await?;
        counted.sort_by_key(|(newer, _)| Reverse(*newer));
        let mut parts = counted.into_iter().filter(|(newer, _)| *newer > 0);
        let Some((total, longest)) = parts.next() else { return Ok(0) };
        let mut rest = parts.map(|(_, part)| part.clone());
        let Some(main) = rest.next() else { return Ok(total.min(limit)) };
        // What the others have, each once, is looked for in the longest.
        let rest = self.of(main, rest.collect());
        let more = limit.saturating_sub(total);
        let alone = rest.count_if(false, &[longest], than, below, more).await?;
        Ok(total.saturating_add(alone).min(limit))
    }

    /// The number of items between two places that are there and hidden.
    async fn count_hidden(&self, than: Option<Cursor>, below: Option<Cursor>) -> Result<u64> {
        let Some((main, others)) = self.hidden.split_first() else { return Ok(0) };
        let hidden = self.of(main.clone(), others.to_vec());
        let parts: Vec<_> = self.iter().collect();
        hidden.count_if(true, &parts, than, below, u64::MAX).await
    }

    /// The number of items between two places that are in any of these streams, or in none of them.
    /// It is read until there are `enough`.
    async fn count_if(
        &self,
        is_there: bool,
        parts: &[&Part],
        than: Option<Cursor>,
        below: Option<Cursor>,
        enough: u64,
    ) -> Result<u64> {
        let (mut count, mut position) = (0, below.map_or(TOP, Position::After));
        while count < enough {
            let places = self.newer(position, than).await?;
            let there = contained(parts, &places).await?;
            count += there.iter().filter(|there| **there == is_there).count() as u64;
            match places.last() {
                Some(last) if places.len() as u64 == CHUNK => position = Position::After(*last),
                _ => break,
            }
        }
        Ok(count)
    }

    /// Others of the streams that the root can read.
    fn of(&self, main: Part, others: Vec<Part>) -> Self {
        Self { root: Arc::clone(&self.root), main, others, hidden: Vec::new() }
    }

    /// The places of up to [`CHUNK`] items from a position on, as far as they are newer than a
    /// place.
    async fn newer(&self, position: Position, than: Option<Cursor>) -> Result<Vec<Cursor>> {
        let items = self.read(position, CHUNK).await?;
        Ok(items.iter().map(StreamItem::cursor).take_while(|item| Some(*item) > than).collect())
    }
}

/// Of the items next to a position, newest first, the `limit` nearest ones.
fn nearest(mut items: Vec<StreamItem>, position: Position, limit: u64) -> Vec<StreamItem> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if matches!(position, Position::Before(_)) {
        items.drain(..items.len().saturating_sub(limit));
    }
    items.truncate(limit);
    items
}

/// The number of items of a stream between two places, up to `limit`.
async fn between(
    part: &Part,
    than: Option<Cursor>,
    below: Option<Cursor>,
    limit: u64,
) -> Result<u64> {
    let above = match below {
        Some(below) => part.newer(below.previous(), u64::MAX).await?,
        None => 0,
    };
    let newer = part.newer(than, limit.saturating_add(above)).await?;
    Ok(newer.saturating_sub(above))
}

/// Whether each of these items is in any of these streams.
async fn contained(parts: &[&Part], items: &[Cursor]) -> Result<Vec<bool>> {
    let answers = try_join_all(parts.iter().map(|part| part.contains(items))).await?;
    Ok((0..items.len()).map(|at| answers.iter().any(|there| there[at])).collect())
}
