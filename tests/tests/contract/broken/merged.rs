//! Reading several streams as one: rightly, and in the ways in which it can go wrong.

use std::{cmp::Reverse, collections::BTreeMap, sync::PoisonError};

use user_streams_core::{
    Cursor, Error, ErrorKind, Result, StreamItem,
    backend::{Backend, MergedPart, MergedQuery, Position, StreamQuery},
};

use super::{
    store::Store,
    wrong::{Wrong, WrongBackend, with_id},
};

impl Store {
    /// What is there of several streams, from the position on that is asked for.
    pub(super) async fn merged(&self, query: MergedQuery) -> Result<Vec<StreamItem>> {
        let mut items = BTreeMap::new();
        for part in &query.parts {
            items.extend(self.part(part).await?.into_iter().map(|item| (item.cursor(), item)));
        }
        for part in &query.less {
            for hidden in self.part(part).await? {
                items.remove(&hidden.cursor());
            }
        }
        let places: Vec<_> = items.keys().rev().copied().collect();
        let Some(first) = query.parts.first() else { return Ok(Vec::new()) };
        let asked = StreamQuery::new(first.user.clone(), query.limit);
        let places = (self.twist.part)(&places, &asked.with_position(query.position))?;
        Ok(places.iter().filter_map(|place| items.remove(place)).collect())
    }

    async fn part(&self, part: &MergedPart) -> Result<Vec<StreamItem>> {
        let store = match &part.feed {
            None => self.clone(),
            Some(name) => {
                let feeds = self.feeds.lock().unwrap_or_else(PoisonError::into_inner);
                feeds.get(name).cloned().ok_or_else(|| {
                    Error::new(ErrorKind::InvalidArgument, format!("`{name}` is no feed"))
                })?
            }
        };
        let all = StreamQuery::new(part.user.clone(), u64::MAX);
        let mut items = store.get_stream_items(all).await?;
        items.retain(|item| Some(item.cursor()) > part.newer_than);
        Ok(items)
    }
}

impl WrongBackend {
    /// Whether it is this operation that is wrong.
    pub(super) fn merges_wrongly(&self) -> bool {
        const MERGED: &[Wrong] = &[
            Wrong::MergedRepeats,
            Wrong::MergedIgnoresLess,
            Wrong::MergedLessByTimestamp,
            Wrong::MergedCutsOffBeforeLess,
            Wrong::MergedReadsTheFirstPart,
            Wrong::MergedIgnoresPlaces,
            Wrong::MergedIncludesPlaces,
            Wrong::MergedOnePlaceForAll,
            Wrong::MergedBeforeFromTheTop,
            Wrong::MergedOffsetOfEachPart,
            Wrong::MergedUnknownIsEmpty,
        ];
        MERGED.iter().any(|wrong| self.is(*wrong))
    }

    pub(super) async fn merged(&self, mut query: MergedQuery) -> Result<Vec<StreamItem>> {
        if self.is(Wrong::MergedIgnoresLess) {
            query.less.clear();
        }
        if self.is(Wrong::MergedReadsTheFirstPart) {
            query.parts.truncate(1);
        }
        if self.is(Wrong::MergedUnknownIsEmpty) {
            self.leave_out_what_is_unknown(&mut query.parts).await;
            self.leave_out_what_is_unknown(&mut query.less).await;
        }
        let one_place = query.parts.first().and_then(|part| part.newer_than);
        for part in &mut query.parts {
            let include = |place: Cursor| with_id(place, place.id().get() - 1);
            part.newer_than = match part.newer_than {
                _ if self.is(Wrong::MergedIgnoresPlaces) => None,
                _ if self.is(Wrong::MergedOnePlaceForAll) => one_place,
                Some(place) if self.is(Wrong::MergedIncludesPlaces) => Some(include(place)),
                place => place,
            };
        }
        match query.position {
            Position::Before(place) if self.is(Wrong::MergedBeforeFromTheTop) => {
                let newest = query.with_position(Position::Offset(0));
                let mut items = self.memory.get_merged(newest).await?;
                items.retain(|item| item.cursor() > place);
                Ok(items)
            }
            Position::Offset(_) if self.is(Wrong::MergedOffsetOfEachPart) => {
                self.each_by_itself(query).await
            }
            _ if self.is(Wrong::MergedRepeats) => self.each_by_itself(query).await,
            _ if self.is(Wrong::MergedLessByTimestamp) => {
                self.less(query, |item, hidden| item.created_at() == hidden.created_at()).await
            }
            _ if self.is(Wrong::MergedCutsOffBeforeLess) => {
                self.less(query, |item, hidden| item == hidden).await
            }
            _ => self.memory.get_merged(query).await,
        }
    }

    async fn leave_out_what_is_unknown(&self, parts: &mut Vec<MergedPart>) {
        let mut known = Vec::new();
        for part in parts.drain(..) {
            let alone = MergedQuery::new(vec![part.clone()], 1);
            if self.memory.get_merged(alone).await.is_ok() {
                known.push(part);
            }
        }
        *parts = known;
    }

    /// The part of each stream, one after the other.
    async fn each_by_itself(&self, query: MergedQuery) -> Result<Vec<StreamItem>> {
        let mut items = Vec::new();
        for part in &query.parts {
            let mut one = query.clone();
            one.parts = vec![part.clone()];
            items.extend(self.memory.get_merged(one).await?);
        }
        items.sort_by_key(|item| Reverse(item.cursor()));
        items.truncate(usize::try_from(query.limit).unwrap_or(usize::MAX));
        Ok(items)
    }

    /// What is hidden goes out of what was read.
    async fn less(
        &self,
        mut query: MergedQuery,
        is_hidden: fn(Cursor, Cursor) -> bool,
    ) -> Result<Vec<StreamItem>> {
        let less = std::mem::take(&mut query.less);
        let mut items = self.memory.get_merged(query).await?;
        if !less.is_empty() {
            let hidden = self.memory.get_merged(MergedQuery::new(less, u64::MAX)).await?;
            items.retain(|item| {
                !hidden.iter().any(|hidden| is_hidden(item.cursor(), hidden.cursor()))
            });
        }
        Ok(items)
    }
}
