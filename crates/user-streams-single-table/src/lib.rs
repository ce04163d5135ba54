#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod backend;
mod config;
mod driver;
mod migration;

pub use backend::{SingleTable, SingleTableBackend, feed_migrations, migrations};
pub use config::SingleTableConfig;
pub use driver::DRIVER;
pub use user_streams_sql::{Dialect, Users, users};
