//! A backend that keeps every promise, and the faults that make it break one.

mod add;
mod backend;
mod fault;
mod faults;
mod merged;
mod store;
mod telling;
mod twist;
mod wrong;
mod wrong_feed;

pub(crate) use fault::{Broken, Fault, suite_of};
pub(crate) use faults::{FAULTS, HONEST_DRIVER};
pub(crate) use store::Store;
pub(crate) use twist::{Adding, HONEST, Ids, Optional, Twist, part};
pub(crate) use wrong::Wrong;
