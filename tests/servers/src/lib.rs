//! Throwaway database servers for the tests, stopped together with their owner, and the cells of
//! the test matrix.
//!
//! `cargo xtask` starts them for the tests and the benchmarks; the fault harness and the Redis
//! crate's tests also kill, pause and restart them.
#![allow(
    clippy::missing_errors_doc,
    reason = "every error is an `anyhow::Error` that says what failed"
)]

mod account;
pub mod cells;
mod certificate;
mod guard;
#[cfg(feature = "harness")]
pub mod harness;
mod install;
mod instance;
pub mod interrupt;
mod kind;
mod locate;
mod mariadb;
mod network;
mod package;
mod password;
mod pgbouncer;
mod postgres;
pub mod process;
mod profile;
mod provide;
mod redis;
mod redis_cluster;
mod server;
mod tls;
mod tool;

pub use certificate::{Authority, Certificate};
pub use install::install;
pub use kind::Kind;
pub use password::PasswordServer;
pub use pgbouncer::Pooler;
pub use profile::Profile;
pub use provide::{
    Source, concurrently, missing, missing_tool, provide, source, start, start_sentinel,
    start_with, url,
};
pub use redis::redis_cli;
pub use server::Server;
pub use tls::Tls;
pub use tool::Tool;
