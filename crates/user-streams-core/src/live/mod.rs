//! Items as they come: one task of a process learns of them, and wakes those who have subscribed.

mod asking;
mod board;
mod hub;
mod pause;
mod registry;
mod signal;
mod task;
mod telling;

pub(crate) use hub::{Hub, Registration};
pub(crate) use pause::pause;
pub(crate) use registry::Subscribed;
pub(crate) use signal::{News, Signal};
