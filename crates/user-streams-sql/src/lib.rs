#![doc = include_str!("../README.md")]
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod backend;
mod config;
mod connect;
mod connections;
mod copy;
mod database;
mod dialect;
mod driver;
mod error;
mod fan_out;
#[cfg(feature = "fault")]
#[doc(hidden)]
pub mod fault;
mod group;
mod kept;
mod layout;
mod migrate;
mod statements;
mod users;
mod values;

pub use backend::SqlBackend;
pub use config::{SqlConfig, Synchronous};
pub use dialect::Dialect;
pub use driver::connect_url;
pub use layout::{Layout, Schema};
pub use users::{Users, users};

pub use sea_orm;
pub use sea_orm_migration;
