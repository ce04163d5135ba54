//! The faults: one for each promise, and some for the ways in which storages are known to break
//! one.

mod adds;
mod content;
mod optional;
mod order;
mod reads;
mod time;
mod users;

use super::{Fault, Twist};

pub(crate) const FAULTS: &[&[Fault]] = &[
    adds::FAULTS,
    content::FAULTS,
    optional::FAULTS,
    order::FAULTS,
    reads::FAULTS,
    time::FAULTS,
    users::FAULTS,
];

const fn fault(name: &'static str, twist: Twist, caught_by: &'static [&'static str]) -> Fault {
    Fault { name, twist, caught_by }
}
