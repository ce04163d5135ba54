//! The ids of imported items: the same for the same row in every run, and in the original's order.
//!
//! Of the 63 bits, the first two say where an item is from, so that sources do not meet.
//!
//! | source | the rest |
//! |---|---|
//! | tables | 15 bits of place, 46 bits that are the smaller the greater the row's key is |
//! | Redis | the first 61 bits of the member |
//!
//! Items of one date come in the order of their ids, the greatest first. So rows without a place
//! are in the order of their keys, as the original's databases answer; those whose database has
//! another order get a place by it. The key can be read out of an id, whatever its place: so a row
//! is found again even if its database's order has changed.

use std::fmt;

use user_streams::ItemId;

use super::layout::Layout;

const KEY_BITS: u32 = 46;
const PLACE_BITS: u32 = 15;
const SOURCE_SHIFT: u32 = KEY_BITS + PLACE_BITS;
const MAX_KEY: i64 = (1 << KEY_BITS) - 1;
/// The greatest place of a row among those of its date.
pub(super) const MAX_PLACE: usize = (1 << PLACE_BITS) - 1;

/// The key of a row, of which there can be an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct RowKey(i64);

impl RowKey {
    /// `None` if it is beyond those that Django gives.
    pub(super) fn new(key: i64) -> Option<Self> {
        (0..=MAX_KEY).contains(&key).then_some(Self(key))
    }

    /// The id of the row. Place 0 is the order of the keys.
    pub(super) fn id(self, layout: Layout, place: usize) -> Option<ItemId> {
        let place = i64::try_from(place.min(MAX_PLACE)).ok()?;
        let id = source(layout) << SOURCE_SHIFT | place << KEY_BITS | (MAX_KEY - self.0);
        ItemId::try_from(id).ok()
    }

    /// The key of the row that has this id.
    pub(super) fn of(layout: Layout, id: ItemId) -> Option<Self> {
        let is_ours = id.get() >> SOURCE_SHIFT == source(layout);
        is_ours.then(|| Self(MAX_KEY - (id.get() & MAX_KEY)))
    }
}

impl fmt::Display for RowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Not 0, which would give the id 0 to a row.
fn source(layout: Layout) -> i64 {
    match layout {
        Layout::SingleTable => 1,
        Layout::ManyToMany => 2,
    }
}

/// The id of a member by its header, 32 hexadecimal digits.
pub(super) fn of_member(header: u128) -> Option<ItemId> {
    let beginning = i64::try_from(header >> (128 - SOURCE_SHIFT)).ok()?;
    ItemId::try_from(3 << SOURCE_SHIFT | beginning).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(layout: Layout, key: i64, place: usize) -> ItemId {
        RowKey::new(key).unwrap().id(layout, place).unwrap()
    }

    #[test]
    fn a_smaller_key_comes_first_and_a_place_before_all_keys() {
        let layout = Layout::SingleTable;
        assert!(id(layout, 1, 0) > id(layout, 2, 0));
        assert!(id(layout, MAX_KEY, 1) > id(layout, 0, 0));
        assert!(id(layout, 1, 2) > id(layout, 0, 1));
    }

    #[test]
    fn a_row_is_recognised_at_every_place_and_in_its_layout_alone() {
        for place in [0, 1, MAX_PLACE] {
            for key in [0, 7, MAX_KEY] {
                let id = id(Layout::ManyToMany, key, place);
                assert_eq!(RowKey::of(Layout::ManyToMany, id), RowKey::new(key));
                assert_eq!(RowKey::of(Layout::SingleTable, id), None);
            }
        }
        assert_eq!(RowKey::of(Layout::SingleTable, of_member(u128::MAX).unwrap()), None);
    }

    #[test]
    fn a_key_that_no_django_gives_has_no_id() {
        assert_eq!(RowKey::new(-1), None);
        assert_eq!(RowKey::new(MAX_KEY + 1), None);
    }

    #[test]
    fn members_are_in_the_order_of_their_bytes() {
        let headers = [0, 1 << 67, 1 << 127, u128::MAX];
        let ids: Vec<_> = headers.iter().map(|header| of_member(*header).unwrap()).collect();
        assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
    }
}
