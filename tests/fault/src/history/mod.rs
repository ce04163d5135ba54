//! The history of a trial: each item, what was requested of it, and what was answered.

mod check;
mod item;
mod removal;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
    sync::Mutex,
};

pub(crate) use self::item::{Item, parse};
use self::removal::Removal;
use crate::sync::lock;

#[derive(Debug)]
struct Entry {
    item: Item,
    /// Adds that began.
    begun: u32,
    /// Adds that were acknowledged, and the sum of the deliveries that they reported.
    acknowledged: u32,
    delivered: u64,
    /// It comes in parts, each whole by itself: some of its recipients may have it.
    in_parts: bool,
    removal: Option<Removal>,
}

impl Entry {
    fn new(item: Item) -> Self {
        Self { item, begun: 0, acknowledged: 0, delivered: 0, in_parts: false, removal: None }
    }
}

/// Every item of a trial.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// Whether a broadcast is stored as a whole or not at all, and reports the deliveries that it
    /// stored. In Redis a command whose answer was lost is sent again, and then reports only the
    /// recipients that did not have the item yet.
    atomic: bool,
    entries: Mutex<BTreeMap<u64, Entry>>,
    /// Items whose transaction was rolled back.
    rolled_back: Mutex<BTreeSet<u64>>,
    /// Users whose streams are deleted during the trial: what they have proves nothing.
    deleted_users: Mutex<Option<RangeInclusive<i64>>>,
    /// Adds that reported an impossible number of deliveries.
    wrong_counts: Mutex<Vec<String>>,
}

impl History {
    pub(crate) fn new(atomic: bool) -> Self {
        Self { atomic, ..Self::default() }
    }

    /// A new item for these users.
    pub(crate) fn item(&self, users: RangeInclusive<i64>) -> Item {
        let mut entries = lock(&self.entries);
        let number = entries.len() as u64;
        let item = Item::new(number, &users);
        entries.insert(number, Entry::new(item.clone()));
        item
    }

    /// A new item for these users, for a call that stores several and reports their sum.
    pub(crate) fn bulk_item(&self, users: RangeInclusive<i64>) -> Item {
        let item = self.item(users);
        if let Some(entry) = lock(&self.entries).get_mut(&item.number) {
            entry.in_parts = true;
        }
        item
    }

    /// A call that stores several was acknowledged: all of them are there.
    pub(crate) fn acknowledge_bulk(&self, items: &[Item]) {
        let mut entries = lock(&self.entries);
        for item in items {
            if let Some(entry) = entries.get_mut(&item.number) {
                entry.acknowledged += 1;
            }
        }
    }

    /// These users' streams are deleted during the trial.
    pub(crate) fn set_deleted_users(&self, users: RangeInclusive<i64>) {
        *lock(&self.deleted_users) = Some(users);
    }

    /// The transaction of the item's add was rolled back: no user may have it.
    pub(crate) fn roll_back(&self, number: u64) {
        lock(&self.rolled_back).insert(number);
    }

    /// An add of the item begins.
    pub(crate) fn begin(&self, number: u64) {
        if let Some(entry) = lock(&self.entries).get_mut(&number) {
            entry.begun += 1;
        }
    }

    /// An add of the item was acknowledged.
    pub(crate) fn acknowledge(&self, number: u64, delivered: u64) {
        let mut entries = lock(&self.entries);
        let Some(entry) = entries.get_mut(&number) else { return };
        entry.acknowledged += 1;
        entry.delivered += delivered;
        let recipients = entry.item.recipients();
        let has_deleted_users = lock(&self.deleted_users)
            .as_ref()
            .is_some_and(|users| users.contains(&entry.item.last));
        if has_deleted_users {
            return;
        }
        let is_short = self.atomic && entry.begun == 1 && delivered != recipients;
        if is_short || entry.delivered > recipients {
            lock(&self.wrong_counts).push(format!(
                "add {} of item #{number} to {recipients} users reported {delivered} deliveries",
                entry.begun
            ));
        }
    }

    /// A removal of the item from these users, who have it, begins; always from the same ones.
    pub(crate) fn begin_removal(&self, number: u64, users: RangeInclusive<i64>) {
        if let Some(entry) = lock(&self.entries).get_mut(&number) {
            entry.removal.get_or_insert_with(|| Removal::new(users)).begin();
        }
    }

    /// A removal of the item was acknowledged.
    pub(crate) fn acknowledge_removal(&self, number: u64, removed: u64) {
        let mut entries = lock(&self.entries);
        let removal = entries.get_mut(&number).and_then(|entry| entry.removal.as_mut());
        let wrong = removal.and_then(|removal| removal.acknowledge(removed, self.atomic));
        lock(&self.wrong_counts).extend(wrong.map(|wrong| format!("{wrong} #{number}")));
    }

    /// How many items were acknowledged.
    pub(crate) fn acknowledged(&self) -> u64 {
        lock(&self.entries).values().filter(|entry| entry.acknowledged > 0).count() as u64
    }
}
