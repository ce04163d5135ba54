//! The cases, one file a topic.

// What no list names would never run.
#![deny(dead_code)]
// What fails names the promise that is broken.
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

use crate::Case;

mod algebra;
mod audience_bounds;
mod audiences;
mod bad_input;
mod broadcasts;
mod bulk;
mod cancellation;
mod concurrency;
mod connections;
mod content;
mod cursors;
mod delivery;
mod driver;
mod feeds;
mod identity;
mod live;
mod marks;
mod merge;
mod merged;
mod merged_model;
mod model;
mod moving;
mod optional;
mod order;
mod paging;
mod ranges;
mod recipients;
mod removal;
mod retention;
mod slicing;
mod subtract;
mod subtract_trim;
mod time;
mod unread;
mod users;

const TOPICS: &[&[Case]] = &[
    delivery::CASES,
    order::CASES,
    slicing::CASES,
    paging::CASES,
    cursors::CASES,
    identity::CASES,
    users::CASES,
    content::CASES,
    time::CASES,
    recipients::CASES,
    broadcasts::CASES,
    bad_input::CASES,
    optional::CASES,
    removal::CASES,
    ranges::CASES,
    bulk::CASES,
    marks::CASES,
    feeds::CASES,
    merge::CASES,
    merged::CASES,
    merged_model::CASES,
    unread::CASES,
    retention::CASES,
    audiences::CASES,
    audience_bounds::CASES,
    subtract::CASES,
    subtract_trim::CASES,
    moving::CASES,
    live::CASES,
    connections::CASES,
    cancellation::CASES,
    concurrency::CASES,
    model::CASES,
    algebra::CASES,
    driver::CASES,
];

impl Case {
    /// Every case of the suite, by topic.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        TOPICS.iter().copied().flatten()
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, fs};

    use super::*;

    #[test]
    fn every_file_of_this_directory_is_a_topic() {
        let topics: HashSet<_> =
            Case::all().filter_map(|case| Some(case.name.split_once("::")?.0)).collect();
        for entry in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/cases")).unwrap() {
            let path = entry.unwrap().path();
            let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap();
            assert!(stem == "mod" || topics.contains(stem), "{stem} is not in TOPICS");
        }
    }

    #[test]
    fn no_two_cases_have_one_name() {
        let mut names = HashSet::new();
        assert!(Case::all().all(|case| names.insert(case.name)));
    }
}
