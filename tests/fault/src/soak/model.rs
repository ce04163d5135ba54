//! What a user's stream must have, and may have.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use user_streams_core::StreamItem;

use super::task::Expected;
use crate::history::{Item, parse};

/// How long a dropped call may still take effect.
pub(super) const SETTLING: Duration = Duration::from_secs(4);

/// The place of an item in a stream: its timestamp in microseconds, and its id.
type Key = (i64, i64);

/// The stream of one user, who belongs to one task.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) user: i64,
    /// The acknowledged items that were not deleted, with their numbers.
    stored: BTreeMap<Key, u64>,
    /// When the adds were dropped of which nobody knows whether they took effect.
    doubtful: Vec<Instant>,
    /// When a delete was dropped: it took effect, does so soon, or never does.
    unsettled: Option<Instant>,
}

impl Model {
    pub(super) fn new(user: i64) -> Self {
        Self { user, stored: BTreeMap::new(), doubtful: Vec::new(), unsettled: None }
    }

    /// An add was acknowledged; what is added again has been in doubt.
    pub(super) fn add(&mut self, item: &Item) {
        self.stored.insert((item.created_at_us, item.id), item.number);
    }

    /// An add was dropped.
    pub(super) fn doubt(&mut self) {
        self.doubtful.push(Instant::now());
    }

    /// A delete was acknowledged. Adds that were dropped right before may take effect after it.
    pub(super) fn delete(&mut self) {
        self.stored.clear();
        self.doubtful.retain(|since| since.elapsed() < SETTLING);
    }

    /// A delete was dropped.
    pub(super) fn doubt_delete(&mut self) {
        self.unsettled = Some(Instant::now());
    }

    /// Whether items can be added and deleted: no delete is in doubt.
    pub(super) fn is_settled(&self) -> bool {
        self.unsettled.is_none()
    }

    /// Whether a dropped delete has had the time to take effect.
    pub(super) fn can_settle(&self) -> bool {
        self.unsettled.is_some_and(|since| since.elapsed() > SETTLING)
    }

    /// Learns from all of the stream's items whether the dropped delete took effect.
    pub(super) fn settle(&mut self, items: &[StreamItem]) -> Result<(), String> {
        self.unsettled = None;
        let read: Vec<_> = items.iter().map(key).collect();
        let kept = self.stored.keys().filter(|key| read.contains(key)).count();
        if kept != 0 && kept != self.stored.len() {
            return Err(format!("a dropped delete left {kept} of {} items", self.stored.len()));
        }
        // What is in doubt stays so: it may have been stored after the delete.
        if kept == 0 {
            self.stored.clear();
        }
        self.check(items, true)
    }

    /// Checks the newest items of the stream, or all.
    pub(super) fn check(&self, items: &[StreamItem], is_whole: bool) -> Result<(), String> {
        self.check_any(items)?;
        if !self.is_settled() {
            return Ok(());
        }
        let read: Vec<_> = items.iter().map(key).collect();
        let oldest = match read.last() {
            Some(&oldest) if !is_whole => oldest,
            _ => (i64::MIN, i64::MIN),
        };
        if let Some((_, number)) = self.stored.range(oldest..).find(|(key, _)| !read.contains(key))
        {
            return Err(format!("the stream of user {} lacks #{number}", self.user));
        }
        let unknown = read.iter().filter(|key| !self.stored.contains_key(key)).count();
        if unknown > self.doubtful.len() {
            return Err(format!(
                "the stream of user {} has {unknown} items that are not acknowledged, and only {} \
                 are in doubt",
                self.user,
                self.doubtful.len()
            ));
        }
        Ok(())
    }

    /// Checks items of the stream wherever they are in it: they are this user's, newest first, each
    /// once.
    pub(super) fn check_any(&self, items: &[StreamItem]) -> Result<(), String> {
        let user = self.user;
        for item in items {
            if !parse(&item.content).is_some_and(|(_, users)| users.contains(&user)) {
                return Err(format!("the stream of user {user} has {:?}", item.content));
            }
        }
        if items.windows(2).any(|pair| key(&pair[0]) <= key(&pair[1])) {
            return Err(format!("the stream of user {user} is not in order, or has an item twice"));
        }
        Ok(())
    }

    /// Checks a count.
    pub(super) fn check_count(&self, count: usize) -> Result<(), String> {
        let (least, most) = (self.stored.len(), self.stored.len() + self.doubtful.len());
        if self.is_settled() && !(least..=most).contains(&count) {
            return Err(format!(
                "the count of user {} is {count}; it must be from {least} to {most}",
                self.user
            ));
        }
        Ok(())
    }

    pub(super) fn expected(&self) -> Expected {
        Expected {
            user: self.user,
            stored: self.stored.values().copied().collect(),
            doubtful: self.doubtful.len(),
        }
    }
}

fn key(item: &StreamItem) -> Key {
    (item.created_at.timestamp_micros(), item.id.get())
}

#[cfg(test)]
mod tests {
    use user_streams_core::ItemId;

    use super::*;

    fn stored(item: &Item) -> StreamItem {
        let at = chrono::DateTime::from_timestamp_micros(item.created_at_us).unwrap_or_default();
        let id = ItemId::try_from(item.id).unwrap_or_else(|_| ItemId::generate());
        StreamItem::new(id, at, item.content())
    }

    fn model() -> (Model, Item) {
        let (mut model, item) = (Model::new(1), Item::new(7, &(1..=2)));
        model.add(&item);
        (model, item)
    }

    #[test]
    fn an_acknowledged_item_must_be_read() {
        let (model, item) = model();
        assert_eq!(model.check(&[stored(&item)], true), Ok(()));
        assert_eq!(model.check(&[], true), Err("the stream of user 1 lacks #7".to_owned()));
    }

    #[test]
    fn only_as_many_unknown_items_as_are_in_doubt_may_be_read() {
        let (mut model, item) = model();
        let newer = Item { number: 8, created_at_us: item.created_at_us + 1, ..item.clone() };
        let items = [stored(&newer), stored(&item)];
        assert!(model.check(&items, true).is_err());
        model.doubt();
        assert_eq!(model.check(&items, true), Ok(()));
        assert!(model.check_count(3).is_err() && model.check_count(2).is_ok());
    }

    #[test]
    fn another_users_item_and_an_item_read_twice_are_noticed() {
        let (model, item) = model();
        let other = Item { first: 2, last: 2, ..item.clone() };
        assert!(model.check_any(&[stored(&other)]).is_err());
        assert!(model.check_any(&[stored(&item), stored(&item)]).is_err());
    }

    #[test]
    fn a_dropped_delete_of_what_is_in_doubt_may_have_taken_effect_or_not() {
        let (mut model, item) = (Model::new(1), Item::new(7, &(1..=2)));
        model.doubt();
        model.doubt_delete();
        assert_eq!(model.settle(&[stored(&item)]), Ok(()));
        model.doubt_delete();
        assert_eq!(model.settle(&[]), Ok(()));
    }

    #[test]
    fn a_dropped_delete_deletes_everything_or_nothing() {
        let (mut model, item) = model();
        let second = Item { number: 8, created_at_us: item.created_at_us + 1, ..item.clone() };
        model.add(&second);
        model.doubt_delete();
        assert!(model.settle(&[stored(&item)]).is_err());
        assert_eq!(model.settle(&[]), Ok(()));
        assert_eq!(model.expected().stored, [0; 0]);
    }
}
