//! What of a user's stored streams is there: merged, and within the bounds.

use std::sync::Arc;

use chrono::Utc;

use crate::{
    Cursor, Result, StreamItem, UserId,
    backend::Position,
    handle::Handle,
    stream::{merge::Parts, part::Part},
    time,
};

/// Instants that a reader has set: items from `since` on and before `until`, in microseconds.
#[derive(Debug, Clone, Copy, Default)]
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
    /// The view of a user's stream now.
    pub(crate) async fn of(handle: &Handle, user: &UserId, bounds: Bounds) -> Result<Self> {
        let retention = handle.retention;
        let part = |backend| Part { backend: Arc::clone(backend), user: user.clone() };
        let parts = Parts {
            main: part(handle.shared_backend()),
            others: handle.feeds.merged().iter().map(part).collect(),
        };
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
        self.parts.others.is_empty()
            && self.below.is_none()
            && self.above.is_none()
            && self.max_len.is_none()
    }

    /// The same without a limit of its length, for who counts what is left.
    pub(crate) fn without_max_len(self) -> Self {
        Self { max_len: None, ..self }
    }

    /// The same of the main stream alone.
    pub(crate) fn without_others(mut self) -> Self {
        self.parts.others.clear();
        self
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

    /// The number of items that are there.
    pub(crate) async fn count(&self) -> Result<u64> {
        self.parts.count(self.above, self.below, self.max_len()).await
    }

    /// The number of items that are newer than a place, up to `limit`.
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

    fn spans(&self, item: Cursor) -> bool {
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
