//! The faults: one for each promise, and some for the ways in which storages are known to break
//! one.

mod adds;
mod connections;
mod content;
mod driver;
mod feeds;
mod optional;
mod order;
mod reads;
mod time;
mod users;

use super::{Broken, Fault, Twist};

pub(crate) use driver::HONEST as HONEST_DRIVER;

pub(crate) const FAULTS: &[&[Fault]] = &[
    adds::FAULTS,
    connections::FAULTS,
    content::FAULTS,
    driver::FAULTS,
    feeds::FAULTS,
    optional::FAULTS,
    order::FAULTS,
    reads::FAULTS,
    time::FAULTS,
    users::FAULTS,
];

const fn fault(name: &'static str, twist: Twist, caught_by: &'static [&'static str]) -> Fault {
    Fault { name, broken: Broken::Store(twist), caught_by }
}
