//! Items that are taken from users again.

use std::{collections::BTreeSet, ops::RangeInclusive};

use super::History;
use crate::sync::lock;

/// The removal of an item, which may be begun several times.
#[derive(Clone, Debug)]
pub(super) struct Removal {
    pub(super) users: RangeInclusive<i64>,
    begun: u32,
    acknowledged: bool,
    /// The sum of what was reported.
    removed: u64,
}

impl Removal {
    /// What is wrong with who still has the item, if anything.
    pub(super) fn violation(&self, has: &BTreeSet<i64>, atomic: bool) -> Option<String> {
        let users = self.users.clone().count();
        let kept = self.users.clone().filter(|user| has.contains(user)).count();
        let (first, last) = (self.users.start(), self.users.end());
        if self.acknowledged && kept > 0 {
            Some(format!("its removal from {first} to {last} was acknowledged; {kept} have it"))
        } else if atomic && kept > 0 && kept < users {
            Some(format!("its removal from {first} to {last} left it to {kept} of them"))
        } else {
            None
        }
    }
}

impl History {
    /// A removal of the item from these users, who have it, begins; always from the same ones.
    pub(crate) fn begin_removal(&self, number: u64, users: RangeInclusive<i64>) {
        if let Some(entry) = lock(&self.entries).get_mut(&number) {
            let new = Removal { users, begun: 0, acknowledged: false, removed: 0 };
            entry.removal.get_or_insert(new).begun += 1;
        }
    }

    /// A removal of the item was acknowledged.
    pub(crate) fn acknowledge_removal(&self, number: u64, removed: u64) {
        let mut entries = lock(&self.entries);
        let removal = entries.get_mut(&number).and_then(|entry| entry.removal.as_mut());
        let Some(removal) = removal else { return };
        removal.acknowledged = true;
        removal.removed += removed;
        let users = removal.users.clone().count() as u64;
        let is_short = self.atomic && removal.begun == 1 && removed != users;
        if is_short || removal.removed > users {
            lock(&self.wrong_counts).push(format!(
                "removal {} of item #{number} from {users} users reported {removed}",
                removal.begun
            ));
        }
    }
}
