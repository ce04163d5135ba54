//! What was asked for and what was answered, item by item. Each item says in its content who it is
//! for.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::RangeInclusive,
    sync::{Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use user_streams_core::{ItemId, NewItem};

use crate::{judge::Stored, tally::Tally};

/// How many problems of a kind are told in words.
const TOLD: usize = 3;

/// An item: a number of its own, and the users whom it is for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Item {
    pub(crate) number: u64,
    pub(crate) first: i64,
    pub(crate) last: i64,
    pub(crate) created_at_us: i64,
    pub(crate) id: i64,
}

impl Item {
    pub(crate) fn users(&self) -> RangeInclusive<i64> {
        self.first..=self.last
    }

    pub(crate) fn recipients(&self) -> u64 {
        (self.last - self.first + 1).unsigned_abs()
    }

    /// What the library is given: the same each time.
    pub(crate) fn new_item(&self) -> NewItem {
        let at: DateTime<Utc> =
            DateTime::from_timestamp_micros(self.created_at_us).unwrap_or_default();
        let item = NewItem::new(content(self)).with_created_at(&at);
        match ItemId::try_from(self.id) {
            Ok(id) => item.with_id(id),
            Err(_) => item,
        }
    }
}

fn content(item: &Item) -> String {
    format!("#{} for {} to {}", item.number, item.first, item.last)
}

/// The number and the users in a content.
pub(crate) fn parse(content: &str) -> Option<(u64, RangeInclusive<i64>)> {
    let (number, users) = content.strip_prefix('#')?.split_once(" for ")?;
    let (first, last) = users.split_once(" to ")?;
    Some((number.parse().ok()?, first.parse().ok()?..=last.parse().ok()?))
}

#[derive(Debug)]
struct Entry {
    item: Item,
    /// Adds that were begun.
    begun: u32,
    /// Adds that were answered with success, and the sum of what they delivered.
    acknowledged: u32,
    delivered: u64,
}

/// Every item of a trial.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// Whether a broadcast is stored as a whole or not at all, and its count is that of what it has
    /// stored. Redis sends a command again whose answer was lost, and then counts those who did not
    /// have the item yet.
    atomic: bool,
    entries: Mutex<BTreeMap<u64, Entry>>,
    /// Items whose transaction was rolled back.
    undone: Mutex<BTreeSet<u64>>,
    /// Users whose streams are deleted meanwhile: what they have proves nothing.
    volatile: Mutex<Option<RangeInclusive<i64>>>,
    /// Counts that do not fit, found on the way.
    wrong: Mutex<Vec<String>>,
}

impl Ledger {
    pub(crate) fn new(atomic: bool) -> Self {
        Self { atomic, ..Self::default() }
    }

    /// A new item for these users.
    pub(crate) fn item(&self, users: RangeInclusive<i64>) -> Item {
        let mut entries = lock(&self.entries);
        let number = entries.len() as u64;
        let item = Item {
            number,
            first: *users.start(),
            last: *users.end(),
            created_at_us: Utc::now().timestamp_micros(),
            id: ItemId::generate().get(),
        };
        entries
            .insert(number, Entry { item: item.clone(), begun: 0, acknowledged: 0, delivered: 0 });
        item
    }

    /// These users' streams are deleted while others are read.
    pub(crate) fn set_volatile(&self, users: RangeInclusive<i64>) {
        *lock(&self.volatile) = Some(users);
    }

    /// The transaction of the item's add was rolled back: nobody may have it.
    pub(crate) fn undo(&self, number: u64) {
        lock(&self.undone).insert(number);
    }

    /// An add of the item begins.
    pub(crate) fn begin(&self, number: u64) {
        if let Some(entry) = lock(&self.entries).get_mut(&number) {
            entry.begun += 1;
        }
    }

    /// An add of the item was answered with success.
    pub(crate) fn acknowledge(&self, number: u64, delivered: u64) {
        let mut entries = lock(&self.entries);
        let Some(entry) = entries.get_mut(&number) else { return };
        entry.acknowledged += 1;
        entry.delivered += delivered;
        let recipients = entry.item.recipients();
        let is_volatile =
            lock(&self.volatile).as_ref().is_some_and(|users| users.contains(&entry.item.last));
        if is_volatile {
            return;
        }
        let is_short = self.atomic && entry.begun == 1 && delivered != recipients;
        if is_short || entry.delivered > recipients {
            let (number, begun) = (entry.item.number, entry.begun);
            lock(&self.wrong).push(format!(
                "add {begun} of item #{number} for {recipients} answered that it delivered to \
                 {delivered}"
            ));
        }
    }

    /// How many items were acknowledged.
    pub(crate) fn acknowledged(&self) -> u64 {
        lock(&self.entries).values().filter(|entry| entry.acknowledged > 0).count() as u64
    }

    /// Compares with what is stored.
    pub(crate) fn judge(&self, stored: &Stored, tally: &mut Tally) {
        let mut told = Told::default();
        let mut having: HashMap<u64, BTreeSet<i64>> = HashMap::new();
        let entries = lock(&self.entries);
        let volatile = lock(&self.volatile).clone();
        let is_volatile = |user: &i64| volatile.as_ref().is_some_and(|users| users.contains(user));
        for row in &stored.rows {
            let Some(content) = &row.content else {
                // A delivery whose item is gone is one that nobody can read.
                if !is_volatile(&row.user) {
                    tally.lost += 1;
                    told.say(
                        tally,
                        "lost",
                        format!("user {} has a delivery without an item", row.user),
                    );
                }
                continue;
            };
            let Some((number, users)) = parse(content) else {
                tally.foreign += 1;
                told.say(
                    tally,
                    "foreign",
                    format!("user {} has {content:?}, which nobody added", row.user),
                );
                continue;
            };
            let known = entries.get(&number).is_some_and(|entry| {
                (entry.item.created_at_us, entry.item.id) == (row.created_at_us, row.id)
            });
            if !users.contains(&row.user) || !known {
                tally.foreign += 1;
                told.say(tally, "foreign", format!("user {} has {content:?}", row.user));
            } else if !having.entry(number).or_default().insert(row.user) {
                tally.duplicated += 1;
                told.say(tally, "duplicated", format!("user {} has {content:?} twice", row.user));
            }
        }
        for number in lock(&self.undone).iter().filter(|number| having.contains_key(number)) {
            tally.foreign += 1;
            told.say(tally, "foreign", format!("item #{number} was rolled back, and is there"));
        }
        let nobody = BTreeSet::new();
        for (number, entry) in entries.iter() {
            let has = having.get(number).unwrap_or(&nobody);
            let steady: Vec<i64> = entry.item.users().filter(|user| !is_volatile(user)).collect();
            let missing = steady.iter().filter(|user| !has.contains(user)).count();
            let Item { first, last, .. } = entry.item;
            if entry.acknowledged > 0 && missing > 0 {
                tally.lost += 1;
                told.say(
                    tally,
                    "lost",
                    format!(
                        "item #{number} for {first} to {last} was acknowledged; {missing} do not \
                         have it"
                    ),
                );
            } else if self.atomic && missing > 0 && missing < steady.len() {
                tally.partial += 1;
                told.say(
                    tally,
                    "partial",
                    format!(
                        "item #{number} for {first} to {last} is missing for {missing} of them"
                    ),
                );
            } else if self.atomic
                && entry.begun == entry.acknowledged
                && volatile.is_none()
                && entry.acknowledged > 0
                && entry.delivered != entry.item.recipients()
            {
                tally.partial += 1;
                told.say(
                    tally,
                    "partial",
                    format!(
                        "the adds of item #{number} for {first} to {last} delivered to {}",
                        entry.delivered
                    ),
                );
            }
        }
        if volatile.is_none() {
            for content in stored.orphans.iter().filter(|_| self.atomic) {
                tally.partial += 1;
                told.say(
                    tally,
                    "partial",
                    format!("the item {content:?} is stored, and nobody has it"),
                );
            }
        }
        for wrong in lock(&self.wrong).iter() {
            tally.foreign += 1;
            told.say(tally, "foreign", wrong.clone());
        }
    }
}

/// Says a few problems of each kind, and counts the rest.
#[derive(Default)]
struct Told(HashMap<&'static str, usize>);

impl Told {
    fn say(&mut self, tally: &mut Tally, kind: &'static str, what: String) {
        let times = self.0.entry(kind).or_default();
        *times += 1;
        if *times <= TOLD {
            tally.problem(format!("{kind}: {what}"));
        }
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Row;

    fn row(item: &Item, user: i64) -> Row {
        let content = Some(content(item));
        Row { user, created_at_us: item.created_at_us, id: item.id, content }
    }

    fn judged(ledger: &Ledger, rows: Vec<Row>) -> Tally {
        let mut tally = Tally::default();
        ledger.judge(&Stored { rows, orphans: Vec::new() }, &mut tally);
        tally
    }

    fn figures(tally: &Tally) -> [u64; 4] {
        [tally.lost, tally.duplicated, tally.partial, tally.foreign]
    }

    #[test]
    fn contents_come_back() {
        let item = Ledger::default().item(-3..=5);
        assert_eq!(parse(&content(&item)), Some((0, -3..=5)));
        assert_eq!(parse("anything"), None);
    }

    #[test]
    fn what_was_answered_and_is_stored_is_right() {
        let ledger = Ledger::new(true);
        let (one, two) = (ledger.item(1..=1), ledger.item(1..=2));
        ledger.begin(0);
        ledger.acknowledge(0, 1);
        // Never answered, and not stored.
        ledger.begin(1);
        assert_eq!(figures(&judged(&ledger, vec![row(&one, 1)])), [0; 4]);
        // Never answered, and stored.
        assert_eq!(
            figures(&judged(&ledger, vec![row(&one, 1), row(&two, 1), row(&two, 2)])),
            [0; 4]
        );
    }

    #[test]
    fn each_kind_of_wrong_is_told_apart() {
        let ledger = Ledger::new(true);
        let (one, two) = (ledger.item(1..=1), ledger.item(1..=2));
        ledger.begin(0);
        ledger.acknowledge(0, 1);
        assert_eq!(figures(&judged(&ledger, vec![])), [1, 0, 0, 0]);
        assert_eq!(figures(&judged(&ledger, vec![row(&one, 1), row(&one, 1)])), [0, 1, 0, 0]);
        assert_eq!(figures(&judged(&ledger, vec![row(&one, 1), row(&two, 2)])), [0, 0, 1, 0]);
        assert_eq!(figures(&judged(&ledger, vec![row(&one, 1), row(&one, 2)])), [0, 0, 0, 1]);
        let other = Row { id: one.id + 1, ..row(&one, 1) };
        assert_eq!(figures(&judged(&ledger, vec![row(&one, 1), other])), [0, 0, 0, 1]);
    }

    #[test]
    fn what_was_rolled_back_is_foreign() {
        let ledger = Ledger::new(true);
        let item = ledger.item(1..=1);
        ledger.begin(0);
        ledger.undo(0);
        assert_eq!(figures(&judged(&ledger, vec![])), [0; 4]);
        assert_eq!(judged(&ledger, vec![row(&item, 1)]).foreign, 1);
    }

    #[test]
    fn a_count_that_does_not_fit_is_the_answer_to_another_call() {
        let ledger = Ledger::new(true);
        let item = ledger.item(1..=3);
        ledger.begin(0);
        ledger.acknowledge(0, 1);
        let rows = vec![row(&item, 1), row(&item, 2), row(&item, 3)];
        assert_eq!(judged(&ledger, rows).foreign, 1);
    }
}
