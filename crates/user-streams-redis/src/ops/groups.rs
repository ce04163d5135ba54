//! Which of many rows go into one script, and which scripts into one batch.

use std::collections::HashMap;

use super::batches::{BATCH, BATCH_BYTES, KEYS_PER_SCRIPT};

/// The bytes of a script that has several rows.
const SCRIPT_BYTES: usize = 256 * 1024;

/// The places of the rows of a script, and how many bytes they have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) rows: Vec<usize>,
    bytes: usize,
}

/// The batches of scripts for rows whose streams are in these slots: a script's keys are of one
/// slot. A cluster's rows are gathered from all of them, since a batch alone has few of a slot.
/// `len` is how many bytes a row has.
pub(super) fn batches(slots: &[u16], len: impl Fn(usize) -> usize) -> Vec<Vec<Group>> {
    let (mut batches, mut rows, mut bytes) = (Vec::<Vec<Group>>::new(), 0, 0);
    for group in groups(slots, len) {
        rows += group.rows.len();
        bytes += group.bytes;
        match batches.last_mut() {
            Some(batch) if rows <= BATCH && bytes <= BATCH_BYTES => batch.push(group),
            _ => {
                (rows, bytes) = (group.rows.len(), group.bytes);
                batches.push(vec![group]);
            }
        }
    }
    batches
}

fn groups(slots: &[u16], len: impl Fn(usize) -> usize) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut current: HashMap<u16, usize> = HashMap::new();
    for (row, slot) in slots.iter().enumerate() {
        let len = len(row);
        let fits =
            |group: &Group| group.rows.len() < KEYS_PER_SCRIPT && group.bytes + len <= SCRIPT_BYTES;
        match current.get(slot).and_then(|&at| groups.get_mut(at)) {
            Some(group) if fits(group) => {
                group.rows.push(row);
                group.bytes += len;
            }
            _ => {
                current.insert(*slot, groups.len());
                groups.push(Group { rows: vec![row], bytes: len });
            }
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(slots: &[u16], len: usize) -> Vec<Vec<Vec<usize>>> {
        let rows = |batch: Vec<Group>| batch.into_iter().map(|group| group.rows).collect();
        batches(slots, |_| len).into_iter().map(rows).collect()
    }

    fn lengths(slots: &[u16], len: usize) -> Vec<Vec<usize>> {
        let lengths = |batch: Vec<Vec<usize>>| batch.iter().map(Vec::len).collect();
        rows(slots, len).into_iter().map(lengths).collect()
    }

    #[test]
    fn the_rows_of_one_slot_go_together_in_their_order() {
        assert_eq!(rows(&[7, 8, 7, 9, 8], 1), [[vec![0, 2], vec![1, 4], vec![3]]]);
        assert!(rows(&[], 1).is_empty());
    }

    #[test]
    fn scripts_and_batches_have_a_limited_number_of_rows_and_bytes() {
        assert_eq!(lengths(&[0; 450], 1), [[200, 200, 50]]);
        assert_eq!(lengths(&[0; 1_100], 1), [vec![200; 5], vec![100]]);
        assert_eq!(lengths(&[0; 5], SCRIPT_BYTES / 2), [[2, 2, 1]]);
        assert_eq!(lengths(&[0; 3], BATCH_BYTES / 2), [vec![1, 1], vec![1]]);
        assert_eq!(lengths(&[0; 2], BATCH_BYTES * 2), [[1], [1]]);
        let different: Vec<u16> = (0..2_500).collect();
        assert_eq!(
            rows(&different, 1).iter().map(Vec::len).collect::<Vec<_>>(),
            [1_000, 1_000, 500]
        );
    }
}
