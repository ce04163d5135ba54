//! Several stored streams of a user read as one: an item that is in several is there once.

use std::{cmp::Reverse, iter};

use futures_util::future::try_join_all;

use crate::{
    Cursor, Error, Result, StreamItem,
    backend::Position,
    stream::part::{CHUNK, Part},
};

const TOP: Position = Position::Offset(0);

/// The stored streams that are read as one.
#[derive(Debug, Clone)]
pub(crate) struct Parts {
    pub(crate) main: Part,
    pub(crate) others: Vec<Part>,
}

impl Parts {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Part> {
        iter::once(&self.main).chain(&self.others)
    }

    /// Up to `limit` items from a position on. What an offset passes over in several streams is
    /// read, since nobody knows how many of it each has.
    pub(crate) async fn read(&self, position: Position, limit: u64) -> Result<Vec<StreamItem>> {
        match position {
            _ if self.others.is_empty() => self.main.read(position, limit).await,
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
        if self.others.is_empty() {
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
        if self.others.is_empty() {
            return between(&self.main, than, below, limit).await;
        }
        let mut counted = try_join_all(self.iter().map(|part| async move {
            Ok::<_, Error>((between(part, than, below, limit).await?, part))
        }))
        .await?;
        // The shorter ones are compared with the longer ones.
        counted.sort_by_key(|(newer, _)| Reverse(*newer));
        let mut total = counted.first().map_or(0, |(newer, _)| *newer);
        for (at, (newer, part)) in counted.iter().enumerate().skip(1) {
            if *newer == 0 || total >= limit {
                break;
            }
            let longer: Vec<_> = counted[..at].iter().map(|(_, part)| *part).collect();
            total += not_in(part, &longer, than, below, limit - total).await?;
        }
        Ok(total.min(limit))
    }

    /// Whether each of these items is in any of the streams.
    pub(crate) async fn contains(&self, items: &[Cursor]) -> Result<Vec<bool>> {
        contained(&self.iter().collect::<Vec<_>>(), items).await
    }

    /// Several reads, and what is nearest to the position out of all of them.
    async fn merged(&self, position: Position, limit: u64) -> Result<Vec<StreamItem>> {
        let read = try_join_all(self.iter().map(|part| part.read(position, limit))).await?;
        let mut items: Vec<_> = read.into_iter().flatten().collect();
        items.sort_by_key(|item| Reverse(item.cursor()));
        items.dedup_by_key(|item| item.cursor());
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        if matches!(position, Position::Before(_)) {
            items.drain(..items.len().saturating_sub(limit));
        }
        items.truncate(limit);
        Ok(items)
    }

    async fn skip(
        &self,
        mut position: Position,
        mut offset: u64,
        limit: u64,
    ) -> Result<Vec<StreamItem>> {
        while offset > 0 {
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
        self.merged(position, limit).await
    }
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

/// The number of items of a stream, between two places and up to `limit`, that none of the others
/// has.
async fn not_in(
    part: &Part,
    others: &[&Part],
    than: Option<Cursor>,
    below: Option<Cursor>,
    limit: u64,
) -> Result<u64> {
    let mut position = below.map_or(TOP, Position::After);
    let mut alone = 0;
    loop {
        let items: Vec<_> =
            part.read(position, CHUNK).await?.iter().map(StreamItem::cursor).collect();
        let newer: Vec<_> =
            items.iter().copied().take_while(|item| than.is_none_or(|than| *item > than)).collect();
        let there = contained(others, &newer).await?;
        alone += there.iter().filter(|there| !**there).count() as u64;
        match items.last() {
            Some(last) if newer.len() as u64 == CHUNK && alone < limit => {
                position = Position::After(*last);
            }
            _ => return Ok(alone.min(limit)),
        }
    }
}

/// Whether each of these items is in any of these streams.
async fn contained(parts: &[&Part], items: &[Cursor]) -> Result<Vec<bool>> {
    let answers = try_join_all(parts.iter().map(|part| part.contains(items))).await?;
    Ok((0..items.len()).map(|at| answers.iter().any(|there| there[at])).collect())
}
