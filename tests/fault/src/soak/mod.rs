//! The soak: minutes of mixed load on each cell, in a process of its own, whose memory, file
//! descriptors, threads and sessions on the server must not grow.

mod calls;
mod check;
mod child;
mod flags;
mod judge;
mod model;
mod process;
mod report;
mod run;
mod task;
mod visits;
mod worker;

pub(crate) use child::run as run_child;
pub(crate) use flags::SoakFlags;
pub(crate) use run::run;
