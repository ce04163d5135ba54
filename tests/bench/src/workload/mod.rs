//! The workloads, W1 to W8.

pub(crate) mod add;
pub(crate) mod broadcast;
pub(crate) mod bytes;
pub(crate) mod count;
pub(crate) mod depth;
pub(crate) mod memory;
pub(crate) mod mixed;
pub(crate) mod page;
