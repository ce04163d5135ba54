#![doc = include_str!("../README.md")]

mod case;
mod cases;
mod compare;
mod namespace;
mod spy;
mod suite;

pub use case::{Case, Kinds};
pub use namespace::Namespace;
pub use suite::{Outcome, Suite};

/// What [`Suite::trials`] gives, and what runs them.
pub use libtest_mimic;
