#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod address;
mod backend;
mod client;
mod config;
mod driver;
mod error;
#[cfg(feature = "fuzz")]
#[doc(hidden)]
pub mod fuzz;
mod ops;
mod reply;
mod scripts;
mod storage;

pub use backend::RedisBackend;
pub use client::ApplicationClient;
pub use config::{ClientArguments, RedisConfig};
pub use driver::DRIVER;
/// The Redis client, for [`RedisBackend::new`].
pub use fred;
