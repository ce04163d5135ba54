#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]
#![cfg_attr(
    not(all(feature = "sqlite", feature = "postgres", feature = "mysql")),
    allow(
        dead_code,
        unused_imports,
        unused_variables,
        reason = "each database uses a part of what is shared"
    )
)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod backend;
mod config;
mod dialect;
mod driver;
mod error;
#[doc(hidden)]
pub mod fault;
#[cfg(feature = "fuzz")]
#[doc(hidden)]
pub mod fuzz;
mod live;
mod ops;
mod pool;
#[cfg(all(feature = "sqlite", feature = "postgres", feature = "mysql"))]
#[doc(hidden)]
pub mod read_only;
mod row;
mod schema;
mod url;
mod users;

pub use backend::SqlBackend;
pub use config::{SqlConfig, Synchronous};
pub use dialect::Dialect;
pub use driver::{connect_url, is_disabled};
pub use schema::{Layout, Schema, format_migration, identity_migration, marks_migration};
pub use users::{Users, users};

pub use sea_orm;
pub use sea_orm_migration;
