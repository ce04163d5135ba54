//! A backend that keeps every promise, and the faults that make it break one.

mod fault;
mod faults;
mod honest;
mod twist;

pub(crate) use fault::{Broken, Fault, suite_of};
pub(crate) use faults::{FAULTS, HONEST_DRIVER};
pub(crate) use honest::honest;
