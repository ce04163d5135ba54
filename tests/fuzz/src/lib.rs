//! Fuzz targets: what parses text or bytes from outside, each with the properties that hold for
//! every input. `cargo xtask fuzz` runs them with many inputs; the tests of this package with few;
//! `libfuzzer/` guides the same functions by coverage.

pub mod generator;
mod outcome;
pub mod run;
mod shrink;
mod target;
pub mod targets;

pub use outcome::Outcome;
pub use target::Target;
