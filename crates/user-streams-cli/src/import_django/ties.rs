//! Items of one user and one date, in the order in which the original answers.
//!
//! The original orders by the date alone. What databases do with equal dates is theirs: SQLite,
//! MySQL and MariaDB answer by the rows' keys, PostgreSQL by how its sort ends. What is answered
//! now is kept. Where that is the order of the keys, rows have their plain ids, so that a row of
//! many-to-many has the same for all its users; else each has one by its place.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use user_streams::NewItem;

use super::{
    ids::{MAX_PLACE, RowKey},
    layout::Layout,
    row::Item,
};

/// Items of one date, the first of which comes first.
#[derive(Debug, Default)]
pub(super) struct Ties(Vec<(RowKey, Item)>);

impl Ties {
    /// The date that they have, if there are any.
    pub(super) fn date(&self) -> Option<DateTime<Utc>> {
        self.0.first().map(|(_, item)| item.created_at)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn push(&mut self, key: RowKey, item: Item) {
        self.0.push((key, item));
    }

    /// The items with their ids, without those that are known to be there.
    pub(super) fn into_items(self, layout: Layout, known: &HashSet<RowKey>) -> Vec<NewItem> {
        let len = self.0.len();
        let is_by_key = self.0.is_sorted_by(|(key, _), (next, _)| key < next) || len > MAX_PLACE;
        let place = |rank: usize| if is_by_key { 0 } else { len - rank };
        let all = self.0.into_iter().enumerate();
        let new = all.filter(|(_, (key, _))| !known.contains(key));
        new.filter_map(|(rank, (key, item))| Some(item.with_id(key.id(layout, place(rank))?)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYOUT: Layout = Layout::ManyToMany;

    fn key(key: i64) -> RowKey {
        RowKey::new(key).unwrap()
    }

    fn items(keys: &[i64], known: &[i64]) -> Vec<NewItem> {
        let mut ties = Ties::default();
        for key in keys {
            let item = Item { created_at: DateTime::UNIX_EPOCH, content: key.to_string() };
            ties.push(self::key(*key), item);
        }
        ties.into_items(LAYOUT, &known.iter().map(|known| key(*known)).collect())
    }

    #[test]
    fn rows_in_the_order_of_their_keys_have_their_plain_ids() {
        for item in items(&[3, 5, 9], &[]) {
            let alone = items(&[item.content().parse().unwrap()], &[]);
            assert_eq!(item, alone[0]);
        }
    }

    #[test]
    fn another_order_of_the_database_is_kept() {
        let items = items(&[9, 3, 5], &[]);
        assert!(items.is_sorted_by(|first, next| first.id() > next.id()), "{items:?}");
    }

    #[test]
    fn what_is_there_is_left_out_and_the_rest_has_its_place() {
        let all = items(&[9, 3, 5], &[]);
        assert_eq!(items(&[9, 3, 5], &[3]), [all[0].clone(), all[2].clone()]);
    }
}
