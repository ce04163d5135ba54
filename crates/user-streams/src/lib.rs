#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod unlinked;

pub use user_streams_core::*;

/// Streams in two SQL tables: each item once, and a narrow row for each delivery.
#[cfg(feature = "many-to-many")]
pub use user_streams_many_to_many as many_to_many;
/// Streams in Redis or Valkey, a sorted set for each user.
#[cfg(feature = "redis")]
pub use user_streams_redis as redis;
/// Streams in one SQL table, a row for each delivery.
#[cfg(feature = "single-table")]
pub use user_streams_single_table as single_table;

#[cfg(all(feature = "many-to-many", not(feature = "single-table")))]
pub use user_streams_many_to_many::{Users, users};
#[cfg(feature = "single-table")]
pub use user_streams_single_table::{Users, users};
