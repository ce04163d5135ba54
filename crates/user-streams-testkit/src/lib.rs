#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod beside;
mod case;
mod cases;
mod compare;
mod driver;
mod limits;
mod namespace;
mod panics;
mod reading;
mod spy;
mod store;
mod suite;

pub use case::{Case, Connections, Kinds};
pub use namespace::Namespace;
pub use suite::{Outcome, Suite};

/// What [`Suite::trials`] gives, and what runs them.
pub use libtest_mimic;
