//! Reads several streams as one.
//!
//! Nearly always one exchange does: a range of each stream, all of them by one script, in a cluster
//! by a pipeline to each server. The script reads of the further streams only what is as new as the
//! last item of the first one. What is unusual is read stream by stream, as pages are.

use std::{cmp::Reverse, collections::BTreeSet, sync::Arc};

use fred::bytes::Bytes;
use futures_util::future::try_join_all;
use user_streams_core::{
    Cursor, Result, StreamItem,
    backend::{Contains, Position, StreamQuery},
};

use super::{
    contains::contains,
    page::{self, page},
    part,
    store::{Store, Stream},
};
use crate::{
    client::command::{Command, Range},
    reply,
    scripts::{merged::merged as ranges, page::Direction},
    storage::member,
};

/// How many more items than wanted are read: the one at the position, one more of its timestamp,
/// and the one that shows that the last one is in its place.
const EXTRA: u64 = 3;
/// How many items a passed-over part has at a time.
const PASSED: u64 = 1_000;

/// A stream of those that are read as one.
pub(crate) struct Part {
    pub(crate) store: Arc<Store>,
    pub(crate) stream: Stream,
    pub(crate) newer_than: Option<Cursor>,
}

/// What is read.
pub(crate) struct Merged {
    pub(crate) parts: Vec<Part>,
    pub(crate) less: Vec<Part>,
}

type SortKey = [u8; member::SORT_KEY_LEN];

/// What one exchange has brought.
struct Window<'a> {
    /// Each with the place of its part; in the direction of reading.
    members: Vec<(SortKey, usize, &'a Bytes)>,
    /// How far all parts are known; to their end if `None`.
    known: Option<SortKey>,
}

impl Merged {
    /// Up to `limit` items from a position on, newest first. Fewer are the end.
    pub(crate) async fn read(&self, position: Position, limit: u64) -> Result<Vec<StreamItem>> {
        match position {
            Position::Offset(0) => self.from(None, Direction::Older, limit).await,
            Position::Offset(offset) => self.skip(offset, limit).await,
            Position::After(place) => self.from(Some(place), Direction::Older, limit).await,
            Position::Before(place) => {
                let mut items = self.from(Some(place), Direction::Newer, limit).await?;
                items.reverse();
                Ok(items)
            }
            _ => Err(user_streams_core::Error::unsupported(
                crate::config::NAME,
                "a read from this position",
            )),
        }
    }

    async fn skip(&self, mut offset: u64, limit: u64) -> Result<Vec<StreamItem>> {
        let mut place = None;
        while offset > 0 {
            let step = offset.min(PASSED);
            let passed = self.from(place, Direction::Older, step).await?;
            match passed.last() {
                Some(last) if passed.len() as u64 == step => place = Some(last.cursor()),
                _ => return Ok(Vec::new()),
            }
            offset -= step;
        }
        self.from(place, Direction::Older, limit).await
    }

    /// In the direction of reading.
    async fn from(
        &self,
        mut place: Option<Cursor>,
        direction: Direction,
        limit: u64,
    ) -> Result<Vec<StreamItem>> {
        let (mut items, mut step) = (Vec::new(), 1);
        while (items.len() as u64) < limit {
            // Many in a row may be hidden, so each further read is of twice as many.
            let wanted = (limit - items.len() as u64).max(step).min(part::PLAIN_MEMBERS);
            step = wanted * 2;
            match self.quickly(place, direction, wanted).await? {
                Some((some, known)) => {
                    items.extend(some);
                    match known {
                        Some(known) => place = Some(known),
                        None => break,
                    }
                }
                None => {
                    let some = self.one_by_one(place, direction, wanted).await?;
                    let is_end = (some.len() as u64) < wanted;
                    place = some.last().map(StreamItem::cursor);
                    items.extend(some);
                    if is_end {
                        break;
                    }
                }
            }
        }
        items.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(items)
    }

    /// The next items, and the place up to which these are; without one to the end. `None` if
    /// anything is unusual.
    async fn quickly(
        &self,
        place: Option<Cursor>,
        direction: Direction,
        wanted: u64,
    ) -> Result<Option<(Vec<StreamItem>, Option<Cursor>)>> {
        let number = wanted + EXTRA;
        let fits = |part: &Part| part.store.member_len.how_many(part::PLAIN_BYTES) as u64;
        if self.parts.iter().any(|part| fits(part) < number * self.parts.len() as u64) {
            return Ok(None);
        }
        let Some(read) = self.ranges(place, direction, number).await? else { return Ok(None) };
        for (part, read) in self.parts.iter().zip(&read) {
            part.store.member_len.observe(read);
        }
        let place = place.map(member::sort_key);
        let Some(window) = self.window(&read, place, direction, number) else { return Ok(None) };
        let mut members = window.members;
        let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
        let mut known = window.known;
        if members.len() >= wanted {
            members.truncate(wanted);
            known = members.last().map(|(key, ..)| *key);
        } else if known.is_some() && known == place {
            return Ok(None);
        }
        let members: Vec<_> = members
            .into_iter()
            .filter_map(|(_, at, member)| Some((&*self.parts.get(at)?.store, member)))
            .collect();
        let mut deadline = self.parts[0].store.executor.deadline();
        let Some(items) = page::items(&members, &mut deadline).await? else { return Ok(None) };
        let known = match known {
            Some(known) => match member::Member::parse(&known).and_then(|member| member.cursor()) {
                Ok(known) => Some(known),
                Err(_) => return Ok(None),
            },
            None => None,
        };
        Ok(Some((items, known)))
    }

    /// What is in each of the streams; `None` if one of them is none.
    async fn ranges(
        &self,
        place: Option<Cursor>,
        direction: Direction,
        number: u64,
    ) -> Result<Option<Vec<Vec<Bytes>>>> {
        let executor = &self.parts[0].store.executor;
        let all = self.parts.iter().chain(&self.less);
        let deadline = executor.deadline();
        let from = place.map(|place| place.created_at_us());
        if !executor.is_cluster() {
            let streams = all.map(|part| {
                (part.stream.key.clone(), part.newer_than.map(|place| place.created_at_us()))
            });
            let command = ranges(streams.collect(), from, direction, number);
            let read = reply::array(executor.one(deadline, command).await?)?;
            let read = read.into_iter().map(|of| match of.is_array() {
                true => reply::byte_strings(of).map(Some),
                false => Ok(None),
            });
            return read.collect();
        }
        let command = |part: &Part| {
            let range = match (from, direction) {
                (None, _) => Range::Ranks(0, number - 1),
                (Some(from), Direction::Older) => Range::Down(from, number),
                (Some(from), Direction::Newer) => {
                    let least = part.newer_than.map_or(from, |than| from.max(than.created_at_us()));
                    Range::Up(least, number)
                }
            };
            Command::range(part.stream.key.clone(), range)
        };
        let read = executor.all(deadline, all.map(command).collect()).await;
        match read {
            Err(error) if error.kind() == user_streams_core::ErrorKind::Corrupt => Ok(None),
            read => read?.into_iter().map(reply::byte_strings).map(|of| of.map(Some)).collect(),
        }
    }

    /// Those beyond the place, merged, less what is hidden; `None` if one is not in its place.
    fn window<'a>(
        &self,
        read: &'a [Vec<Bytes>],
        place: Option<SortKey>,
        direction: Direction,
        number: u64,
    ) -> Option<Window<'a>> {
        let is_beyond = |first: &SortKey, second: &SortKey| match direction {
            Direction::Older => second < first,
            Direction::Newer => second > first,
        };
        let mut members = Vec::new();
        let mut hidden = BTreeSet::new();
        let mut known: Option<SortKey> = None;
        for (at, (part, read)) in self.parts.iter().chain(&self.less).zip(read).enumerate() {
            let keys: Option<Vec<SortKey>> =
                read.iter().map(|member| member.first_chunk().copied()).collect();
            let mut keys = keys?;
            if keys.windows(2).any(|pair| !is_beyond(&pair[0], &pair[1])) {
                return None;
            }
            if keys.len() as u64 >= number {
                // The last one has shown that the one before is in its place.
                keys.pop();
                let last = *keys.last()?;
                known = match known {
                    Some(known) if is_beyond(&known, &last) => Some(known),
                    _ => Some(last),
                };
            }
            let newer_than = part.newer_than.map(member::sort_key);
            for (key, member) in keys.into_iter().zip(read) {
                if place.is_some_and(|place| !is_beyond(&place, &key)) {
                    // Only those of its timestamp may be on the other side.
                    if place.is_some_and(|place| place[..8] != key[..8]) {
                        return None;
                    }
                } else if newer_than.is_none_or(|than| key > than) {
                    match at < self.parts.len() {
                        true => members.push((key, at, member)),
                        false => _ = hidden.insert(key),
                    }
                }
            }
        }
        // Where all ties are on the other side of the place, nothing is known beyond it.
        let known = match (known, place) {
            (Some(known), Some(place)) if !is_beyond(&place, &known) => Some(place),
            (known, _) => known,
        };
        members.retain(|(key, ..)| {
            !hidden.contains(key) && known.is_none_or(|known| !is_beyond(&known, key))
        });
        match direction {
            Direction::Older => members.sort_by_key(|(key, at, _)| (Reverse(*key), *at)),
            Direction::Newer => members.sort_by_key(|(key, at, _)| (*key, *at)),
        }
        members.dedup_by_key(|(key, ..)| *key);
        Some(Window { members, known })
    }

    /// The next items, by a page of each stream.
    async fn one_by_one(
        &self,
        mut place: Option<Cursor>,
        direction: Direction,
        limit: u64,
    ) -> Result<Vec<StreamItem>> {
        let (mut items, mut step) = (Vec::new(), 1);
        while (items.len() as u64) < limit {
            let wanted = (limit - items.len() as u64).max(step).min(PASSED);
            step = wanted * 2;
            let pages = self.parts.iter().map(|part| part.page(place, direction, wanted));
            let mut some: Vec<_> = try_join_all(pages).await?.into_iter().flatten().collect();
            match direction {
                Direction::Older => some.sort_by_key(|item| Reverse(item.cursor())),
                Direction::Newer => some.sort_by_key(StreamItem::cursor),
            }
            some.dedup_by_key(|item| item.cursor());
            some.truncate(usize::try_from(wanted).unwrap_or(usize::MAX));
            let is_end = (some.len() as u64) < wanted;
            place = some.last().map(StreamItem::cursor);
            let places: Vec<_> = some.iter().map(StreamItem::cursor).collect();
            let hidden = self.less.iter().map(async |part| {
                let pair = |place: &Cursor| (part.stream.user.clone(), *place);
                contains(&part.store, Contains::new(places.iter().map(pair).collect())).await
            });
            let hidden = try_join_all(hidden).await?;
            let shown = some.into_iter().enumerate().filter(|(at, _)| {
                !hidden.iter().any(|of| of.get(*at).copied().unwrap_or_default())
            });
            items.extend(shown.map(|(_, item)| item));
            if is_end {
                break;
            }
        }
        items.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(items)
    }
}

impl Part {
    /// In the direction of reading.
    async fn page(
        &self,
        place: Option<Cursor>,
        direction: Direction,
        limit: u64,
    ) -> Result<Vec<StreamItem>> {
        let position = match (direction, place) {
            (Direction::Older, None) => Position::Offset(0),
            (Direction::Older, Some(place)) => Position::After(place),
            (Direction::Newer, place) => match place.max(self.newer_than) {
                Some(place) => Position::Before(place),
                None => return Ok(Vec::new()),
            },
        };
        let query = StreamQuery::new(self.stream.user.clone(), limit).with_position(position);
        let mut items = page(&self.store, query).await?;
        if let Some(than) = self.newer_than {
            items.retain(|item| item.cursor() > than);
        }
        if direction == Direction::Newer {
            items.reverse();
        }
        Ok(items)
    }
}
