//! Which of many rows go into one script.

use std::collections::HashMap;

use fred::bytes::Bytes;

use super::batches::KEYS_PER_SCRIPT;

/// The bytes of a script that has several rows.
const BYTES: usize = 256 * 1024;

/// The places of the rows that go together, whose streams are at these keys: neighbours in a single
/// server; in a cluster those of one stream, since a script's keys are of one slot. `len` is how
/// many bytes a row has.
pub(super) fn groups(
    is_cluster: bool,
    streams: &[Bytes],
    len: impl Fn(usize) -> usize,
) -> Vec<Vec<usize>> {
    let mut groups: Vec<(Vec<usize>, usize)> = Vec::new();
    let mut current: HashMap<&Bytes, usize> = HashMap::new();
    let one = Bytes::new();
    for (at, stream) in streams.iter().enumerate() {
        let key = if is_cluster { stream } else { &one };
        let group = *current.entry(key).or_insert(groups.len());
        match groups.get_mut(group) {
            Some((rows, bytes)) if rows.len() < KEYS_PER_SCRIPT && *bytes + len(at) <= BYTES => {
                rows.push(at);
                *bytes += len(at);
            }
            _ => {
                current.insert(key, groups.len());
                groups.push((vec![at], len(at)));
            }
        }
    }
    groups.into_iter().map(|(rows, _)| rows).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn streams(names: &[&'static str]) -> Vec<Bytes> {
        names.iter().map(|name| Bytes::from_static(name.as_bytes())).collect()
    }

    #[test]
    fn in_a_cluster_the_rows_of_one_stream_go_together() {
        let streams = streams(&["a", "b", "a", "c", "b"]);
        assert_eq!(groups(false, &streams, |_| 1), [[0, 1, 2, 3, 4]]);
        assert_eq!(groups(true, &streams, |_| 1), [vec![0, 2], vec![1, 4], vec![3]]);
    }

    #[test]
    fn a_script_has_a_limited_number_of_rows_and_bytes() {
        let many = vec![Bytes::from_static(b"a"); 450];
        for is_cluster in [false, true] {
            let lengths: Vec<_> = groups(is_cluster, &many, |_| 1).iter().map(Vec::len).collect();
            assert_eq!(lengths, [200, 200, 50]);
            let lengths: Vec<_> =
                groups(is_cluster, &many[..5], |_| BYTES / 2).iter().map(Vec::len).collect();
            assert_eq!(lengths, [2, 2, 1]);
            assert_eq!(groups(is_cluster, &many[..2], |_| BYTES * 2), [[0], [1]]);
        }
        assert!(groups(true, &[], |_| 1).is_empty());
    }
}
