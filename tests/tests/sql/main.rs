//! Promises of the SQL backends alone: query plans, migrations, foreign keys, queries of recipients
//! and errors, on every database.
//!
//! `cargo xtask test` starts the servers and sets the variables of their URLs; without its server a
//! test fails.

mod adds;
mod bulk;
mod connections;
mod damaged;
mod database;
mod durability;
mod errors;
mod faults;
mod feeds;
mod foreign_key;
mod hostile;
mod in_transaction;
mod isolation;
mod live;
mod long_broadcasts;
mod marks;
mod merged;
mod migrations;
mod ping;
mod plans;
mod poolers;
mod recipients;
mod removal;
mod server_timeouts;
mod servers;
mod urls;

use std::process::ExitCode;

use database::{KINDS, TestDatabase};
use user_streams_test_servers::{self as test_servers, Kind, cells};
use user_streams_testkit::libtest_mimic::{Arguments, Trial, run};

type Test = (&'static str, fn(TestDatabase) -> futures_util::future::BoxFuture<'static, ()>);

/// Makes a list of tests of async functions.
macro_rules! tests {
    ($($test:ident),+ $(,)?) => {
        pub(crate) const TESTS: &[crate::Test] = &[$((
            concat!(module_path!(), "::", stringify!($test)),
            |database| Box::pin($test(database)),
        )),+];
    };
}
use tests;

fn main() -> ExitCode {
    damaged::warnings::capture();
    let topics = [
        adds::TESTS,
        bulk::TESTS,
        connections::TESTS,
        durability::TESTS,
        errors::TESTS,
        feeds::TESTS,
        foreign_key::TESTS,
        isolation::TESTS,
        long_broadcasts::TESTS,
        hostile::TESTS,
        marks::TESTS,
        migrations::TESTS,
        ping::TESTS,
        plans::TESTS,
        poolers::TESTS,
        recipients::TESTS,
        removal::TESTS,
        server_timeouts::TESTS,
        urls::TESTS,
    ];
    let folders = [
        damaged::TOPICS,
        faults::TOPICS,
        in_transaction::TOPICS,
        live::TOPICS,
        merged::TOPICS,
        servers::TOPICS,
    ]
    .concat();
    let tests = || topics.iter().chain(&folders).copied().flatten();
    let trials =
        KINDS.iter().flat_map(|kind| tests().map(move |(name, test)| trial(kind, name, *test)));
    run(&Arguments::from_args(), trials.collect()).exit_code()
}

fn trial(
    kind: &'static database::Kind,
    name: &str,
    test: fn(TestDatabase) -> futures_util::future::BoxFuture<'static, ()>,
) -> Trial {
    let name = format!("{}::{}", kind.name, name.trim_start_matches("sql::"));
    let server = match kind.name {
        "postgres" => Some(Kind::Postgres),
        "mysql" => Some(Kind::Mysql),
        _ => None,
    };
    let run = move || {
        server.map(test_servers::url).transpose()?;
        let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
        runtime.block_on(async { test(TestDatabase::create(kind).await).await });
        Ok(())
    };
    let is_skipped = server.is_some_and(cells::is_unneeded);
    Trial::test(name, run).with_ignored_flag(is_skipped)
}
