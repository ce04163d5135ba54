//! A backend that keeps every promise, and the faults that make it break one.

mod faults;
mod store;
mod twist;

pub(crate) use faults::FAULTS;
pub(crate) use store::Store;
pub(crate) use twist::{Adding, Fault, HONEST, Ids, Optional, Twist, part};
