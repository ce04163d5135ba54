//! The faults: one for each promise, and some for the ways in which storages are known to break
//! one.

mod adds;
mod connections;
mod content;
mod deletions;
mod driver;
mod optional;
mod order;
mod progress;
mod reads;
mod time;
mod users;

use super::{
    Fault,
    fault::{Broken, Store},
};

pub(crate) use driver::HONEST as HONEST_DRIVER;

pub(crate) const FAULTS: &[&[Fault]] = &[
    adds::FAULTS,
    connections::FAULTS,
    content::FAULTS,
    deletions::FAULTS,
    driver::FAULTS,
    optional::FAULTS,
    order::FAULTS,
    progress::FAULTS,
    reads::FAULTS,
    time::FAULTS,
    users::FAULTS,
];

/// A store with this fault.
const fn fault(
    name: &'static str,
    decorate: fn(Store) -> Store,
    caught_by: &'static [&'static str],
) -> Fault {
    Fault { name, broken: Broken::Store(decorate), caught_by }
}
