//! Items that are taken from users again.

use std::{collections::BTreeSet, ops::RangeInclusive};

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
    /// The removal from these users, who have the item.
    pub(super) fn new(users: RangeInclusive<i64>) -> Self {
        Self { users, begun: 0, acknowledged: false, removed: 0 }
    }

    pub(super) fn begin(&mut self) {
        self.begun += 1;
    }

    /// It was acknowledged; returns what is wrong with the number that it reported, if anything.
    pub(super) fn acknowledge(&mut self, removed: u64, atomic: bool) -> Option<String> {
        self.acknowledged = true;
        self.removed += removed;
        let users = self.users.clone().count() as u64;
        let is_short = atomic && self.begun == 1 && removed != users;
        (is_short || self.removed > users).then(|| {
            format!("removal {} from {users} users reported {removed} of item", self.begun)
        })
    }

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
