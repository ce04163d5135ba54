//! What the tests across crates share.

#[cfg(test)]
mod capabilities;
pub mod cells;
mod documents;
#[cfg(test)]
mod guarantees;

// Links the backends: each registers itself, but only in a program that names it.
use user_streams_many_to_many as _;
use user_streams_redis as _;
use user_streams_single_table as _;
