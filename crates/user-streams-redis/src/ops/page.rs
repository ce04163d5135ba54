//! Reads a part of a stream.
//!
//! Nearly always plain ranges do. By offset that is a range of ranks. By cursor it is a range of
//! scores that begins at the cursor's, with a few more items than wanted: those of the cursor's
//! timestamp on its other side, usually the item at the cursor alone, are dropped. Either has one
//! more item than wanted, which shows that the last one is in its place.
//!
//! Where that does not suffice, a script reads on from there ([`Scan`]): if many items share the
//! cursor's timestamp; if content is long; if a member cannot be read, or is not in its place. A
//! plain range takes the server a fraction of the script's time.

use fred::bytes::Bytes;
use tokio::time::Instant;
use user_streams_core::{
    Cursor, Error, Result, StreamItem,
    backend::{Position, StreamQuery},
};

use super::{
    content, part,
    scan::{Found, Scan},
    store::{Store, Stream},
};
use crate::{
    client::command::Range,
    config::NAME,
    scripts::page::{Direction, Place},
    storage::member::{self, Member},
};

/// How many more items than wanted are read: the one at the cursor, one more of its timestamp, and
/// the one that shows that the last one is in its place.
const EXTRA: u64 = 3;

/// Up to `limit` items at a position, newest first. Fewer mean that the stream ends there.
pub(crate) async fn page(store: &Store, query: StreamQuery) -> Result<Vec<StreamItem>> {
    let StreamQuery { user, position, limit, .. } = query;
    let (start, direction) = match position {
        Position::Offset(offset) => (Start::Rank(offset), Direction::Older),
        Position::After(cursor) => (Start::Beside(cursor), Direction::Older),
        Position::Before(cursor) => (Start::Beside(cursor), Direction::Newer),
        _ => return Err(Error::unsupported(NAME, "a read from this position")),
    };
    let stream = &store.stream(user)?;
    let deadline = store.executor.deadline();
    let mut read =
        Read { store, stream, start, direction, left: limit, deadline, items: Vec::new() };
    if let Err(error) = read.run().await {
        // A key of another type; damaged members are passed over in place.
        store.on_corrupt.check(error)?;
    }
    if direction == Direction::Newer {
        read.items.reverse();
    }
    Ok(read.items)
}

#[derive(Debug, Clone, Copy)]
enum Start {
    Rank(u64),
    Beside(Cursor),
}

struct Read<'a> {
    store: &'a Store,
    stream: &'a Stream,
    /// Where to read on.
    start: Start,
    direction: Direction,
    /// How many items are wanted yet.
    left: u64,
    /// Moved after each part.
    deadline: Instant,
    /// In the direction of reading.
    items: Vec<StreamItem>,
}

impl Read<'_> {
    async fn run(&mut self) -> Result<()> {
        while self.left > 0 {
            let wanted = self.left.min(part::PLAIN_MEMBERS);
            let fit = self.store.member_len.how_many(part::PLAIN_BYTES) as u64;
            if fit < wanted + EXTRA {
                return self.scan().await;
            }
            let Some(items) = self.range(wanted).await? else { return self.scan().await };
            let is_end = (items.len() as u64) < wanted;
            self.take(items);
            if is_end {
                break;
            }
        }
        Ok(())
    }

    fn take(&mut self, items: Vec<StreamItem>) {
        self.left -= items.len() as u64;
        if let Some(last) = items.last() {
            self.start = Start::Beside(last.cursor());
        }
        self.items.extend(items);
        self.deadline = self.store.executor.deadline();
    }

    /// The next items, by a plain range; `None` if anything is unusual.
    async fn range(&mut self, wanted: u64) -> Result<Option<Vec<StreamItem>>> {
        let number = wanted + EXTRA;
        let range = match (self.start, self.direction) {
            (Start::Rank(first), _) => Range::Ranks(first, first.saturating_add(wanted)),
            (Start::Beside(cursor), Direction::Older) => {
                Range::Down(cursor.created_at_us(), number)
            }
            (Start::Beside(cursor), Direction::Newer) => Range::Up(cursor.created_at_us(), number),
        };
        let read = self.store.range(self.deadline, self.stream, range).await?;
        self.store.member_len.observe(&read);
        let cursor = match self.start {
            Start::Rank(_) => None,
            Start::Beside(cursor) => Some(cursor),
        };
        let is_all = (read.len() as u64) < number;
        match select(&read, is_all, cursor, self.direction, wanted) {
            Some(members) => {
                let members: Vec<_> = members.iter().map(|member| (self.store, member)).collect();
                items(&members, &mut self.deadline).await
            }
            None => Ok(None),
        }
    }

    /// The remaining items, whatever there is among them.
    async fn scan(&mut self) -> Result<()> {
        let place = match self.start {
            Start::Rank(rank) => Place::Rank(rank),
            Start::Beside(cursor) => Place::beside(cursor),
        };
        let mut scan = Scan::new(self.store, self.stream, place, self.direction);
        while self.left > 0
            && let Some(entries) = scan.next(&mut self.deadline, self.left).await?
        {
            for entry in entries {
                match entry.found {
                    Found::Item(item) => {
                        self.items.push(item);
                        self.left -= 1;
                    }
                    Found::Damaged(damage) => {
                        self.store.on_corrupt.check(scan.error(&entry, damage))?;
                    }
                    Found::Gone => {}
                }
            }
        }
        Ok(())
    }
}

/// The items of these members, each of the streams of a store; `None` if one of them cannot be
/// read. The deadline is of the first exchange, and is moved for each further one.
pub(super) async fn items(
    members: &[(&Store, &Bytes)],
    deadline: &mut Instant,
) -> Result<Option<Vec<StreamItem>>> {
    let mut items = Vec::with_capacity(members.len());
    let (mut shared, mut keys) = (Vec::new(), Vec::new());
    for (at, (store, member)) in members.iter().enumerate() {
        let Ok(member) = Member::parse(member) else { return Ok(None) };
        let Ok(item) = member.item() else { return Ok(None) };
        if member.is_shared() {
            shared.push((at, member));
            keys.push(store.keys.shared_content(member.created_at_us, member.id.get()));
        }
        items.push(item);
    }
    let Some((store, _)) = members.first() else { return Ok(Some(items)) };
    let contents = content::read(store, deadline, &keys).await?;
    for ((at, member), content) in shared.into_iter().zip(contents) {
        match content.map(|content| member.item_with(&content)) {
            Some(Ok(item)) => items[at] = item,
            _ => return Ok(None),
        }
    }
    Ok(Some(items))
}

/// Those beyond the cursor, up to `limit`. `None` if there may be more than were read, or if one is
/// not in its place.
fn select(
    read: &[Bytes],
    is_all: bool,
    cursor: Option<Cursor>,
    direction: Direction,
    limit: u64,
) -> Option<&[Bytes]> {
    let is_beyond = |first: &[u8], second: &[u8]| match direction {
        Direction::Older => second < first,
        Direction::Newer => second > first,
    };
    let mut beyond = read;
    if let Some(cursor) = cursor.map(member::sort_key) {
        while let Some((first, rest)) = beyond.split_first()
            && !is_beyond(&cursor, sort_key(first)?)
        {
            // Only those of its timestamp may be on the other side.
            if first[..8] != cursor[..8] {
                return None;
            }
            beyond = rest;
        }
    }
    for pair in beyond.windows(2) {
        if !is_beyond(sort_key(&pair[0])?, sort_key(&pair[1])?) {
            return None;
        }
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if !is_all && beyond.len() <= limit {
        return None;
    }
    Some(&beyond[..limit.min(beyond.len())])
}

fn sort_key(member: &[u8]) -> Option<&[u8]> {
    member.get(..member::SORT_KEY_LEN)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use user_streams_core::ItemId;

    use super::*;

    fn cursor(us: i64, id: i64) -> Cursor {
        Cursor::new(DateTime::from_timestamp_micros(us).unwrap(), ItemId::try_from(id).unwrap())
    }

    fn members(cursors: &[(i64, i64)]) -> Vec<Bytes> {
        let member = |&(us, id)| Bytes::copy_from_slice(&member::sort_key(cursor(us, id)));
        cursors.iter().map(member).collect()
    }

    fn selected(read: &[(i64, i64)], is_all: bool, at: Option<(i64, i64)>) -> Option<usize> {
        let at = at.map(|(us, id)| cursor(us, id));
        select(&members(read), is_all, at, Direction::Older, 2).map(<[Bytes]>::len)
    }

    #[test]
    fn a_range_is_taken_only_if_each_member_is_in_its_place_and_the_next_one_too() {
        let at = Some((50, 5));
        assert_eq!(selected(&[(50, 5), (40, 1), (30, 1), (20, 1)], false, at), Some(2));
        assert_eq!(selected(&[(50, 9), (50, 5), (50, 4), (50, 3), (20, 1)], false, at), Some(2));
        assert_eq!(selected(&[(50, 5), (40, 1)], true, at), Some(1));
        assert_eq!(selected(&[(3, 1), (2, 1), (1, 1)], false, None), Some(2));
        assert_eq!(selected(&[(3, 1)], true, None), Some(1));
        // There may be more of the timestamp.
        assert_eq!(selected(&[(50, 9), (50, 8), (50, 7), (50, 6)], false, at), None);
        assert_eq!(selected(&[(50, 6), (50, 5), (40, 1), (30, 1)], false, at), None);
        // Out of place: the last one wanted, one in the middle, one on the cursor's other side.
        assert_eq!(selected(&[(9, 1), (1, 1), (8, 1)], false, None), None);
        assert_eq!(selected(&[(5, 1), (6, 1), (4, 1)], false, None), None);
        assert_eq!(selected(&[(60, 1), (50, 5), (40, 1), (30, 1), (20, 1)], false, at), None);
        assert_eq!(selected(&[(7, 1), (7, 1), (6, 1)], false, None), None);
        let mut short = members(&[(9, 1), (8, 1), (7, 1)]);
        short[1].truncate(15);
        assert_eq!(select(&short, false, None, Direction::Older, 2), None);
    }
}
