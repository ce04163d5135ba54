//! Checks what is stored at the end, as a client on the bare driver reads it.

use std::collections::HashMap;

use super::task::Expected;
use crate::{history::parse, inspector::Snapshot};

/// What the store has that it must not have, or lacks.
pub(super) fn check(expected: &[Expected], snapshot: &Snapshot) -> Vec<String> {
    let mut problems = Vec::new();
    let mut streams: HashMap<i64, Vec<u64>> = HashMap::new();
    for row in &snapshot.rows {
        match row.content.as_deref().and_then(parse) {
            Some((number, users)) if users.contains(&row.user) => {
                streams.entry(row.user).or_default().push(number);
            }
            _ => problems.push(format!("user {} has {:?}", row.user, row.content)),
        }
    }
    for Expected { user, stored, doubtful } in expected {
        let mut rest = streams.remove(user).unwrap_or_default();
        for number in stored {
            match rest.iter().position(|stored| stored == number) {
                Some(index) => _ = rest.swap_remove(index),
                None => problems.push(format!("lost: user {user} lacks #{number}")),
            }
        }
        if rest.len() > *doubtful {
            problems.push(format!(
                "user {user} has items that are not acknowledged, {rest:?}, and only {doubtful} \
                 are in doubt"
            ));
        }
    }
    for (user, items) in streams {
        problems.push(format!("user {user}, whose stream is deleted, has {} items", items.len()));
    }
    for orphan in &snapshot.orphans {
        problems.push(format!("after a purge {orphan:?} is stored without a delivery"));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspector::Row;

    fn row(user: i64, content: &str) -> Row {
        Row { user, created_at_us: 0, id: 0, content: Some(content.to_owned()) }
    }

    fn problems(rows: Vec<Row>) -> usize {
        let expected = [Expected { user: 1, stored: vec![7], doubtful: 1 }];
        check(&expected, &Snapshot { rows, orphans: Vec::new() }).len()
    }

    #[test]
    fn what_is_acknowledged_must_be_stored_once_and_what_is_in_doubt_may_be() {
        let (known, doubtful) = (row(1, "#7 for 1 to 1"), row(1, "#8 for 1 to 3"));
        assert_eq!(problems(vec![known.clone()]), 0);
        assert_eq!(problems(vec![known.clone(), doubtful.clone()]), 0);
        assert_eq!(problems(vec![known.clone(), known.clone(), doubtful.clone()]), 1);
        assert_eq!(problems(vec![doubtful]), 1);
        assert_eq!(problems(vec![known.clone(), row(1, "#9 for 2 to 3")]), 1);
        assert_eq!(problems(vec![known, row(2, "#9 for 2 to 3")]), 1);
    }
}
