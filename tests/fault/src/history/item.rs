//! Items whose content says which they are and for whom, so that a stored one can be checked.

use std::ops::RangeInclusive;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use user_streams_core::{ItemId, NewItem};

/// An item: its number in the trial, and its recipients.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Item {
    pub(crate) number: u64,
    pub(crate) first: i64,
    pub(crate) last: i64,
    pub(crate) created_at_us: i64,
    pub(crate) id: i64,
}

impl Item {
    pub(crate) fn new(number: u64, users: &RangeInclusive<i64>) -> Self {
        Self {
            number,
            first: *users.start(),
            last: *users.end(),
            created_at_us: Utc::now().timestamp_micros(),
            id: ItemId::generate().get(),
        }
    }

    pub(crate) fn users(&self) -> RangeInclusive<i64> {
        self.first..=self.last
    }

    /// How many recipients it has.
    pub(crate) fn recipients(&self) -> u64 {
        (self.last - self.first + 1).unsigned_abs()
    }

    /// What each add of it passes to the library.
    pub(crate) fn new_item(&self) -> NewItem {
        let at: DateTime<Utc> =
            DateTime::from_timestamp_micros(self.created_at_us).unwrap_or_default();
        let item = NewItem::new(self.content()).with_created_at(&at);
        match ItemId::try_from(self.id) {
            Ok(id) => item.with_id(id),
            Err(_) => item,
        }
    }

    pub(crate) fn content(&self) -> String {
        format!("#{} for {} to {}", self.number, self.first, self.last)
    }
}

/// The number and the recipients in an item's content.
pub(crate) fn parse(content: &str) -> Option<(u64, RangeInclusive<i64>)> {
    let (number, users) = content.strip_prefix('#')?.split_once(" for ")?;
    let (first, last) = users.split_once(" to ")?;
    Some((number.parse().ok()?, first.parse().ok()?..=last.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_parses_to_its_item() {
        assert_eq!(parse(&Item::new(0, &(-3..=5)).content()), Some((0, -3..=5)));
        assert_eq!(parse("anything"), None);
    }
}
