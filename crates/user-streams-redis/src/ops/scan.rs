//! Reads a stream part by part, whatever is in it: a script gives members and their scores, up to a
//! limit in bytes. The next part begins beside the last member, so that adds and deletions in
//! between neither repeat nor hide one.

use fred::{bytes::Bytes, types::Value};
use tokio::time::Instant;
use user_streams_core::{Error, Result, StreamItem, backend::corrupt_item};

use super::{
    content, part,
    store::{Store, Stream},
};
use crate::{
    client::command::Command,
    reply,
    scripts::page::{Direction, Limits, Place, page},
    storage::member::{Damage, Member, SORT_KEY_LEN},
};

/// How many bytes of a damaged member an error shows.
const SHOWN: usize = 24;

/// A reading of one stream.
pub(super) struct Scan<'a> {
    store: &'a Store,
    stream: &'a Stream,
    place: Place,
    direction: Direction,
    is_end: bool,
}

/// A member, and what it is.
pub(super) struct Entry {
    pub(super) member: Bytes,
    pub(super) score: Bytes,
    /// In the direction of reading.
    rank: u64,
    pub(super) found: Found,
}

impl Entry {
    /// Right beside it. A member that begins with a sort key is found by that; others are found by
    /// all of their bytes, for several may begin with the same ones.
    fn place(&self) -> Place {
        let score = self.score.clone();
        match Member::parse(&self.member) {
            Ok(_) => Place::SortKey { score, sort_key: self.member.slice(..SORT_KEY_LEN) },
            Err(_) => Place::Member { score, member: self.member.clone() },
        }
    }
}

pub(super) enum Found {
    Item(StreamItem),
    Damaged(Damage),
    /// Deleted while its shared content was read.
    Gone,
}

impl<'a> Scan<'a> {
    pub(super) fn new(
        store: &'a Store,
        stream: &'a Stream,
        place: Place,
        direction: Direction,
    ) -> Self {
        Self { store, stream, place, direction, is_end: false }
    }

    /// The next part, of up to `limit` members; `None` at the end of the stream. A part is an
    /// operation: its deadline is moved after each.
    pub(super) async fn next(
        &mut self,
        deadline: &mut Instant,
        limit: u64,
    ) -> Result<Option<Vec<Entry>>> {
        if self.is_end || limit == 0 {
            return Ok(None);
        }
        let step = self.store.member_len.how_many(part::BYTES).min(part::STEP);
        let limits = Limits { members: limit, bytes: part::BYTES, step };
        let key = self.stream.key.clone();
        let command = page(key, self.place.clone(), self.direction, limits);
        let reply = self.store.one(*deadline, self.stream, command).await?;
        let [first, is_end, found] =
            reply::array(reply)?.try_into().map_err(|_: Vec<Value>| reply::unexpected())?;
        self.is_end = reply::count(&is_end)? == 1;
        let mut rank = reply::count(&first)?;
        let mut entries = Vec::new();
        let mut found = reply::byte_strings(found)?.into_iter();
        while let (Some(member), Some(score)) = (found.next(), found.next()) {
            entries.push(Entry { member, score, rank, found: Found::Gone });
            rank += 1;
        }
        // Also of nothing: a stream that stays empty has no long content.
        self.store.member_len.observe(entries.iter().map(|entry| &entry.member));
        let Some(last) = entries.last() else { return Ok(None) };
        self.place = last.place();
        self.decode(deadline, &mut entries).await?;
        *deadline = self.store.executor.deadline();
        Ok(Some(entries))
    }

    async fn decode(&self, deadline: &mut Instant, entries: &mut [Entry]) -> Result<()> {
        let mut shared = Vec::new();
        for (at, entry) in entries.iter_mut().enumerate() {
            let member = Member::parse(&entry.member)
                .and_then(|member| member.check_score(&entry.score).map(|()| member));
            entry.found = match member {
                Ok(member) if member.is_shared() => {
                    shared.push(at);
                    Found::Damaged(Damage::NoContent)
                }
                Ok(member) => member.item().map_or_else(Found::Damaged, Found::Item),
                Err(damage) => Found::Damaged(damage),
            };
        }
        let missing = self.read_content(deadline, entries, &shared).await?;
        if missing.is_empty() {
            return Ok(());
        }
        // The stream may have been deleted in between. What is there and has no content even then
        // has lost it.
        let there = self.is_there(*deadline, entries, &missing).await?;
        for (&at, is_there) in missing.iter().zip(&there) {
            if !is_there {
                entries[at].found = Found::Gone;
            }
        }
        let there: Vec<_> =
            missing.into_iter().zip(there).filter_map(|(at, is)| is.then_some(at)).collect();
        self.read_content(deadline, entries, &there).await.map(drop)
    }

    /// Reads the content of these entries, and returns those that have none.
    async fn read_content(
        &self,
        deadline: &mut Instant,
        entries: &mut [Entry],
        some: &[usize],
    ) -> Result<Vec<usize>> {
        let mut missing = Vec::new();
        let keys: Vec<_> = some.iter().filter_map(|&at| self.content_key(&entries[at])).collect();
        let contents = content::read(self.store, deadline, &keys).await?;
        for (&at, content) in some.iter().zip(contents) {
            let entry = &mut entries[at];
            match content {
                None => missing.push(at),
                Some(content) => {
                    let item =
                        Member::parse(&entry.member).and_then(|member| member.item_with(&content));
                    entry.found = item.map_or_else(Found::Damaged, Found::Item);
                }
            }
        }
        Ok(missing)
    }

    fn content_key(&self, entry: &Entry) -> Option<Bytes> {
        let member = Member::parse(&entry.member).ok()?;
        Some(self.store.keys.shared_content(member.created_at_us, member.id.get()))
    }

    async fn is_there(
        &self,
        deadline: Instant,
        entries: &[Entry],
        some: &[usize],
    ) -> Result<Vec<bool>> {
        let rank = |&at: &usize| {
            Command::on_key("ZRANK", self.stream.key.clone(), [entries[at].member.clone().into()])
        };
        let ranks = self.store.executor.all(deadline, some.iter().map(rank).collect()).await?;
        Ok(ranks.iter().map(|rank| !rank.is_null()).collect())
    }

    /// The error for a damaged entry.
    pub(super) fn error(&self, entry: &Entry, damage: Damage) -> Error {
        let member = &entry.member;
        let bytes: String = member.iter().take(SHOWN).map(|byte| format!("{byte:02x}")).collect();
        let more = if member.len() > SHOWN { "…" } else { "" };
        let from = match self.direction {
            Direction::Older => "newest",
            Direction::Newer => "oldest",
        };
        let (key, user) = (String::from_utf8_lossy(&self.stream.key), &self.stream.user);
        let place = format!(
            "the member 0x{bytes}{more} ({} bytes, at rank {} from the {from}) of the key `{key}`",
            member.len(),
            entry.rank
        );
        match (damage, self.content_key(entry)) {
            (Damage::NoContent, Some(at)) => {
                let at = String::from_utf8_lossy(&at);
                corrupt_item(user, place, format!("{damage}; the key is `{at}`"))
            }
            _ => corrupt_item(user, place, damage),
        }
    }
}
