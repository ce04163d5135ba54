//! What of a user's stored streams is there: merged, and within the bounds.

use std::sync::Arc;

use chrono::Utc;

use crate::{
    Audience, Cursor, Membership, Result, StreamItem, UserId, audience,
    backend::Position,
    feeds::{Feed, Store},
    handle::Handle,
    live::Subscribed,
    served,
    stream::{merge::Parts, part::Part},
    time,
};

/// Instants that a reader has set: items from `since` on and before `until`, in microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) since: Option<i64>,
    pub(crate) until: Option<i64>,
}

/// The stream as it is seen at one instant. Every read of a walk is of one view.
#[derive(Debug, Clone)]
pub(crate) struct View {
    pub(crate) parts: Parts,
    /// Items from here on are not there: they are yet to come, or beyond `until`.
    below: Option<Cursor>,
    /// Items up to here are not there: they are too old.
    above: Option<Cursor>,
    /// Of the items in between, so many of the newest are there.
    max_len: Option<u64>,
}

impl View {
    /// The view of a user's stream now, merged with what the user's audiences have.
    pub(crate) async fn of(
        handle: &Handle,
        user: &UserId,
        bounds: Bounds,
        memberships: &[Membership],
    ) -> Result<Self> {
        let retention = handle.retention;
        let parts = parts(handle, user, memberships)?;
        let needs_now = retention.hide_future || retention.max_age.is_some();
        let now = if needs_now { time::micros(&Utc::now()) } else { 0 };
        let oldest = retention.oldest_us(now);
        let mut view = Self {
            parts,
            below: retention.hide_future.then(|| Cursor::first_of(now + 1)),
            above: oldest.max(bounds.since).and_then(|us| Cursor::first_of(us).previous()),
            max_len: retention.max_len,
        };
        let until = bounds.until.filter(|us| *us <= time::MAX_MICROS).map(Cursor::first_of);
        if let Some(until) = until.filter(|until| view.below.is_none_or(|below| *until < below)) {
            if let Some(max_len) = view.max_len {
                // The newest items count, also those that are not asked for.
                let newer = view.parts.count(until.previous(), view.below, max_len).await?;
                view.max_len = Some(max_len - newer);
            }
            view.below = Some(until);
        }
        Ok(view)
    }

    /// Whether the view is the stream as it is stored in one backend.
    pub(crate) fn is_plain(&self) -> bool {
        self.parts.are_plain()
            && self.below.is_none()
            && self.above.is_none()
            && self.max_len.is_none()
    }

    /// The same without a limit of its length, for who counts what is left.
    pub(crate) fn without_max_len(self) -> Self {
        Self { max_len: None, ..self }
    }

    /// What is there of the main stream alone, however long, and whatever it is read together
    /// with: what any of these hides is not there.
    pub(crate) async fn stored(handle: &Handle, user: &UserId) -> Result<Self> {
        let mut view = Self::of(handle, user, Bounds::default(), &[]).await?.without_max_len();
        view.parts.others.clear();
        view.parts.hidden.extend(handle.feeds.beside().flat_map(|feed| hidden(feed, user)));
        Ok(view)
    }

    /// Newer than anything that is there.
    pub(crate) fn newest_place(&self) -> Cursor {
        self.below.unwrap_or(Cursor::LAST)
    }

    /// At most so many items are there.
    pub(crate) fn max_len(&self) -> u64 {
        self.max_len.unwrap_or(u64::MAX)
    }

    /// Up to `limit` items from a position on.
    pub(crate) async fn read(&self, position: Position, limit: u64) -> Result<Vec<StreamItem>> {
        let (position, limit) = self.within(position, limit).await?;
        if limit == 0 {
            return Ok(Vec::new());
        }
        let mut items = match (position, self.below) {
            (Position::Offset(offset), Some(below)) => {
                self.parts.older(below, offset, limit).await?
            }
            _ => self.parts.read(position, limit).await?,
        };
        if self.below.is_some() || self.above.is_some() {
            items.retain(|item| self.spans(item.cursor()));
        }
        Ok(items)
    }

    /// The number of items that are newer than a place, or of all, up to `limit`.
    pub(crate) async fn count_newer(&self, than: Option<Cursor>, limit: u64) -> Result<u64> {
        let limit = limit.min(self.max_len());
        self.parts.count(than.max(self.above), self.below, limit).await
    }

    /// Which of these items are there.
    pub(crate) async fn contains(&self, items: &[Cursor]) -> Result<Vec<bool>> {
        let mut there = self.parts.contains(items).await?;
        for (item, there) in items.iter().zip(&mut there) {
            *there = *there && self.spans(*item);
        }
        if there.contains(&true) && self.max_len.is_some() {
            let last = match self.max_len() {
                0 => None,
                max_len => self.read(Position::Offset(max_len - 1), 1).await?.pop(),
            };
            let is_kept = |item: Cursor| match &last {
                Some(last) => item >= last.cursor(),
                // There are fewer than that, if any may be there.
                None => self.max_len() > 0,
            };
            there.iter_mut().zip(items).for_each(|(there, item)| *there &= is_kept(*item));
        }
        Ok(there)
    }

    /// Those of these stored items that are there.
    pub(crate) async fn retain(&self, mut items: Vec<StreamItem>) -> Result<Vec<StreamItem>> {
        if items.is_empty() || self.is_plain() {
            return Ok(items);
        }
        let places: Vec<_> = items.iter().map(StreamItem::cursor).collect();
        let mut there = self.contains(&places).await?.into_iter();
        items.retain(|_| there.next() == Some(true));
        Ok(items)
    }

    /// The streams that it is made of, for who wants to know what comes.
    pub(crate) fn subscribed(&self) -> Vec<Subscribed> {
        self.parts.iter().map(Part::to_subscribe).collect()
    }

    /// When the next item comes that has a date to come, in microseconds.
    pub(crate) async fn next_to_come(&self) -> Result<Option<i64>> {
        let Some(now) = self.newest_place().previous() else { return Ok(None) };
        let next = self.parts.read(Position::Before(now), 1).await?;
        Ok(next.first().map(|item| item.cursor().created_at_us()))
    }

    /// Whether the bounds have an item at this place.
    pub(crate) fn spans(&self, item: Cursor) -> bool {
        self.below.is_none_or(|below| item < below) && self.above.is_none_or(|above| item > above)
    }

    /// The position and the limit with `max_len` and the bounds taken into account.
    async fn within(&self, position: Position, limit: u64) -> Result<(Position, u64)> {
        let max_len = self.max_len();
        Ok(match position {
            Position::Offset(offset) => (position, limit.min(max_len.saturating_sub(offset))),
            Position::After(place) if self.below.is_some_and(|below| place >= below) => {
                (Position::Offset(0), limit.min(max_len))
            }
            Position::After(place) if self.max_len.is_some() => {
                let passed = self.parts.count(place.previous(), self.below, max_len).await?;
                (position, limit.min(max_len - passed))
            }
            Position::Before(place) => {
                let place = Some(place).max(self.above).unwrap_or(place);
                let newer = match self.max_len {
                    Some(_) => {
                        let bound = max_len.saturating_add(1);
                        self.parts.count(Some(place), self.below, bound).await?
                    }
                    None => 0,
                };
                if newer > max_len {
                    let limit = limit.min(max_len);
                    (Position::Offset(max_len - limit), limit)
                } else {
                    (Position::Before(place), limit)
                }
            }
            Position::After(_) => (position, limit),
        })
    }
}

/// The stored streams that a user reads, and those of what is hidden.
fn parts(handle: &Handle, user: &UserId, memberships: &[Membership]) -> Result<Parts> {
    if !memberships.is_empty() && handle.feeds.main().audiences().is_none() {
        return Err(served::off());
    }
    memberships.iter().try_for_each(|membership| membership.audience.check())?;
    let main = Part::new(&handle.feeds.main().store, user.clone());
    let (mut others, mut less) = (Vec::new(), Vec::new());
    for (at, feed) in handle.feeds.read().enumerate() {
        if at > 0 {
            others.push(Part::new(&feed.store, user.clone()));
        }
        others.extend(of_audiences(feed, user, memberships));
        less.extend(hidden(feed, user));
    }
    Ok(Parts { root: Arc::clone(handle.feeds.root()), main, others, hidden: less })
}

/// The streams of what a feed hides from a user.
fn hidden(feed: &Feed, user: &UserId) -> impl Iterator<Item = Part> + use<> {
    let dismissed = feed.dismissed().map(|store| Part::new(store, user.clone()));
    let retracted = feed.retracted().map(|store| shared(store, &audience::retracted(), user));
    dismissed.into_iter().chain(retracted)
}

/// The streams of everyone and of the audiences of a user.
fn of_audiences<'a>(
    feed: &'a Feed,
    user: &'a UserId,
    memberships: &'a [Membership],
) -> impl Iterator<Item = Part> + 'a {
    feed.audiences().into_iter().flat_map(move |store| {
        let everyone = Membership::from(audience::everyone());
        let is_said = memberships.iter().any(|said| said.audience == everyone.audience);
        let everyone = Some(everyone).filter(|_| !is_said);
        memberships.iter().cloned().chain(everyone).map(move |membership| {
            let since = membership.since.and_then(|us| Cursor::first_of(us).previous());
            shared(store, &membership.audience, user).newer_than(since)
        })
    })
}

/// The copy that a user reads of a stream that many read.
fn shared(store: &Store, audience: &Audience, user: &UserId) -> Part {
    let copies = store.backend().capabilities().copies();
    Part::new(store, audience.copy_of(user, copies)).shared()
}
