//! The faults: one for each promise, and some for the ways in which storages are known to break
//! one.

mod adds;
mod audiences;
mod connections;
mod content;
mod driver;
mod feeds;
mod live;
mod merged;
mod optional;
mod order;
mod reads;
mod time;
mod users;

use super::{Broken, Fault, Twist, Wrong};

pub(crate) use driver::HONEST as HONEST_DRIVER;

pub(crate) const FAULTS: &[&[Fault]] = &[
    adds::FAULTS,
    audiences::FAULTS,
    connections::FAULTS,
    content::FAULTS,
    driver::FAULTS,
    feeds::FAULTS,
    live::FAULTS,
    merged::FAULTS,
    optional::FAULTS,
    order::FAULTS,
    reads::FAULTS,
    time::FAULTS,
    users::FAULTS,
];

const fn fault(name: &'static str, twist: Twist, caught_by: &'static [&'static str]) -> Fault {
    Fault { name, broken: Broken::Store(twist), caught_by }
}

const fn wrong(name: &'static str, wrong: Wrong, caught_by: &'static [&'static str]) -> Fault {
    Fault { name, broken: Broken::Wrong(wrong), caught_by }
}
