//! Checks a snapshot of what is stored against the history.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Entry, History, parse};
use crate::{
    inspector::{Row, Snapshot},
    outcome::Outcome,
    sync::lock,
};

/// How many violations of a kind are described.
const MAX_DESCRIBED: usize = 3;

/// The users who have an item, by its number.
type Holders = HashMap<u64, BTreeSet<i64>>;

impl History {
    /// Counts in the outcome what the snapshot should not have, or lacks.
    pub(crate) fn check(&self, snapshot: &Snapshot, outcome: &mut Outcome) {
        let mut violations = Violations { outcome, described: HashMap::new() };
        let entries = lock(&self.entries);
        let deleted = lock(&self.deleted_users).clone();
        let is_deleted = |user: i64| deleted.as_ref().is_some_and(|users| users.contains(&user));

        let holders = check_rows(&snapshot.rows, &entries, is_deleted, &mut violations);
        for number in lock(&self.rolled_back).iter().filter(|number| holders.contains_key(number)) {
            violations.add(Kind::Foreign, format!("item #{number} is stored after its rollback"));
        }
        let nobody = BTreeSet::new();
        for (number, entry) in entries.iter() {
            let has = holders.get(number).unwrap_or(&nobody);
            let removal = entry.removal.as_ref();
            let is_removed =
                |user: &i64| removal.is_some_and(|removal| removal.users.contains(user));
            let steady = entry.item.users().filter(|user| !is_deleted(*user) && !is_removed(user));
            let steady: Vec<_> = steady.collect();
            if let Some(wrong) = removal.and_then(|removal| removal.violation(has, self.atomic)) {
                violations.add(Kind::Partial, format!("item #{number}: {wrong}"));
            }
            let is_whole = self.atomic && !entry.in_parts;
            let missing = steady.iter().filter(|user| !has.contains(user)).count();
            let (first, last) = (entry.item.first, entry.item.last);
            if entry.acknowledged > 0 && missing > 0 {
                violations.add(
                    Kind::Lost,
                    format!(
                        "item #{number} for {first} to {last} was acknowledged; {missing} do not \
                         have it"
                    ),
                );
            } else if is_whole && missing > 0 && missing < steady.len() {
                violations.add(
                    Kind::Partial,
                    format!(
                        "item #{number} for {first} to {last} is missing for {missing} of them"
                    ),
                );
            } else if is_whole
                && entry.begun == entry.acknowledged
                && deleted.is_none()
                && entry.acknowledged > 0
                && entry.delivered != entry.item.recipients()
            {
                violations.add(
                    Kind::Partial,
                    format!(
                        "the adds of item #{number} for {first} to {last} reported {} deliveries",
                        entry.delivered
                    ),
                );
            }
        }
        if self.atomic && deleted.is_none() {
            // What was removed from everyone stays until a purge.
            let is_removed = |content: &&String| {
                let number = parse(content).map(|(number, _)| number);
                let entry = number.and_then(|number| entries.get(&number));
                entry.is_some_and(|entry| entry.removal.is_some())
            };
            for content in snapshot.orphans.iter().filter(|content| !is_removed(content)) {
                violations.add(
                    Kind::Partial,
                    format!("the item {content:?} is stored without a delivery"),
                );
            }
        }
        for wrong in lock(&self.wrong_counts).iter() {
            violations.add(Kind::Foreign, wrong.clone());
        }
    }
}

/// Checks each delivery by itself.
fn check_rows(
    rows: &[Row],
    entries: &BTreeMap<u64, Entry>,
    is_deleted: impl Fn(i64) -> bool,
    violations: &mut Violations<'_>,
) -> Holders {
    let mut holders = Holders::new();
    for row in rows {
        let user = row.user;
        let Some(content) = &row.content else {
            // Nobody can read a delivery whose item is gone.
            if !is_deleted(user) {
                violations.add(Kind::Lost, format!("user {user} has a delivery without an item"));
            }
            continue;
        };
        let Some((number, users)) = parse(content) else {
            violations
                .add(Kind::Foreign, format!("user {user} has {content:?}, which was never added"));
            continue;
        };
        let is_known = entries.get(&number).is_some_and(|entry| {
            (entry.item.created_at_us, entry.item.id) == (row.created_at_us, row.id)
        });
        if !users.contains(&user) || !is_known {
            violations.add(Kind::Foreign, format!("user {user} has {content:?}"));
        } else if !holders.entry(number).or_default().insert(user) {
            violations.add(Kind::Duplicated, format!("user {user} has {content:?} twice"));
        }
    }
    holders
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Lost,
    Duplicated,
    Partial,
    Foreign,
}

/// Counts violations, and describes the first few of each kind.
struct Violations<'a> {
    outcome: &'a mut Outcome,
    described: HashMap<Kind, usize>,
}

impl Violations<'_> {
    fn add(&mut self, kind: Kind, description: String) {
        let (name, count) = match kind {
            Kind::Lost => ("lost", &mut self.outcome.lost),
            Kind::Duplicated => ("duplicated", &mut self.outcome.duplicated),
            Kind::Partial => ("partial", &mut self.outcome.partial),
            Kind::Foreign => ("foreign", &mut self.outcome.foreign),
        };
        *count += 1;
        let described = self.described.entry(kind).or_default();
        *described += 1;
        if *described <= MAX_DESCRIBED {
            self.outcome.problem(format!("{name}: {description}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Item;

    fn row(item: &Item, user: i64) -> Row {
        let content = Some(item.content());
        Row { user, created_at_us: item.created_at_us, id: item.id, content }
    }

    fn checked(history: &History, rows: Vec<Row>) -> Outcome {
        let mut outcome = Outcome::default();
        history.check(&Snapshot { rows, orphans: Vec::new() }, &mut outcome);
        outcome
    }

    /// Lost, duplicated, partial, foreign.
    fn counts(history: &History, rows: Vec<Row>) -> [u64; 4] {
        let outcome = checked(history, rows);
        [outcome.lost, outcome.duplicated, outcome.partial, outcome.foreign]
    }

    #[test]
    fn an_add_without_an_answer_may_be_stored_or_not() {
        let history = History::new(true);
        let (one, two) = (history.item(1..=1), history.item(1..=2));
        history.begin(0);
        history.acknowledge(0, 1);
        history.begin(1);
        assert_eq!(counts(&history, vec![row(&one, 1)]), [0; 4]);
        assert_eq!(counts(&history, vec![row(&one, 1), row(&two, 1), row(&two, 2)]), [0; 4]);
    }

    #[test]
    fn each_kind_of_violation_is_counted() {
        let history = History::new(true);
        let (one, two) = (history.item(1..=1), history.item(1..=2));
        history.begin(0);
        history.acknowledge(0, 1);
        assert_eq!(counts(&history, vec![]), [1, 0, 0, 0]);
        assert_eq!(counts(&history, vec![row(&one, 1), row(&one, 1)]), [0, 1, 0, 0]);
        assert_eq!(counts(&history, vec![row(&one, 1), row(&two, 2)]), [0, 0, 1, 0]);
        assert_eq!(counts(&history, vec![row(&one, 1), row(&one, 2)]), [0, 0, 0, 1]);
        let other = Row { id: one.id + 1, ..row(&one, 1) };
        assert_eq!(counts(&history, vec![row(&one, 1), other]), [0, 0, 0, 1]);
    }

    #[test]
    fn an_item_that_is_stored_after_its_rollback_is_foreign() {
        let history = History::new(true);
        let item = history.item(1..=1);
        history.begin(0);
        history.roll_back(0);
        assert_eq!(counts(&history, vec![]), [0; 4]);
        assert_eq!(checked(&history, vec![row(&item, 1)]).foreign, 1);
    }

    #[test]
    fn a_removal_is_whole_or_nothing_and_whole_once_acknowledged() {
        let history = History::new(true);
        let item = history.item(1..=3);
        history.begin(0);
        history.acknowledge(0, 3);
        history.begin_removal(0, 1..=2);
        let rows = |users: &[i64]| users.iter().map(|user| row(&item, *user)).collect();
        assert_eq!(counts(&history, rows(&[1, 2, 3])), [0; 4]);
        assert_eq!(counts(&history, rows(&[3])), [0; 4]);
        assert_eq!(counts(&history, rows(&[1, 3])), [0, 0, 1, 0]);
        assert_eq!(counts(&history, rows(&[1, 2])), [1, 0, 0, 0]);
        history.acknowledge_removal(0, 2);
        assert_eq!(counts(&history, rows(&[3])), [0; 4]);
        assert_eq!(counts(&history, rows(&[1, 2, 3])), [0, 0, 1, 0]);
        history.acknowledge_removal(0, 1);
        assert_eq!(counts(&history, rows(&[3])), [0, 0, 0, 1]);
    }

    #[test]
    fn an_item_in_parts_may_be_there_for_some_until_it_is_acknowledged() {
        let history = History::new(true);
        let item = history.bulk_item(1..=2);
        history.begin(0);
        assert_eq!(counts(&history, vec![row(&item, 1)]), [0; 4]);
        history.acknowledge_bulk(std::slice::from_ref(&item));
        assert_eq!(counts(&history, vec![row(&item, 1), row(&item, 2)]), [0; 4]);
        assert_eq!(counts(&history, vec![row(&item, 1)]), [1, 0, 0, 0]);
    }

    #[test]
    fn an_impossible_count_is_the_answer_to_another_call() {
        let history = History::new(true);
        let item = history.item(1..=3);
        history.begin(0);
        history.acknowledge(0, 1);
        let rows = vec![row(&item, 1), row(&item, 2), row(&item, 3)];
        let outcome = checked(&history, rows);
        assert_eq!(outcome.foreign, 1);
        assert!(
            outcome.problems.iter().any(|problem| problem.contains("reported 1 deliveries")),
            "{:?}",
            outcome.problems
        );
    }
}
