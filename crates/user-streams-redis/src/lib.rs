#![doc = include_str!("../README.md")]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod advice;
mod arguments;
mod backend;
mod broadcast;
mod client;
mod cluster;
mod command;
mod config;
mod contents;
mod delete;
mod driver;
mod fault;
mod keys;
mod link;
mod member;
mod page;
mod probe;
mod scripts;
mod server;
mod task;
mod tls;
mod url;

pub use arguments::ClientArguments;
pub use backend::RedisBackend;
pub use config::RedisConfig;
pub use driver::DRIVER;
