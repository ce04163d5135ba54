//! TLS to throwaway servers whose certificates are of an authority of the tests' own.
//!
//! `cargo test -p user-streams-tests --all-features --test tls`. Each test starts a server of its
//! own, and fails where none is installed.

mod check;
mod files;
mod mysql;
mod password;
mod postgres;
mod redis;

use std::process::ExitCode;

use futures_util::future::BoxFuture;
use user_streams_redis as _;
use user_streams_single_table as _;
use user_streams_test_servers::{Kind, cells};
use user_streams_testkit::libtest_mimic::{Arguments, Trial, run};

type Test = (&'static str, Option<Kind>, fn() -> BoxFuture<'static, ()>);

const TESTS: &[Test] = &[
    ("postgres", Some(Kind::Postgres), || Box::pin(postgres::test())),
    ("mysql", Some(Kind::Mysql), || Box::pin(mysql::test())),
    ("mysql::password_by_rsa", None, || Box::pin(password::test())),
    ("redis", Some(Kind::Redis), || Box::pin(redis::test())),
    ("redis::cluster", Some(Kind::Redis), || Box::pin(redis::cluster())),
    ("redis::arguments", None, || Box::pin(redis::arguments())),
];

fn main() -> ExitCode {
    let trials = TESTS.iter().map(|&(name, server, test)| {
        let run = move || {
            let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
            runtime.block_on(test());
            Ok(())
        };
        let is_skipped = server.is_some_and(cells::is_unneeded);
        Trial::test(name, run).with_ignored_flag(is_skipped)
    });
    run(&Arguments::from_args(), trials.collect()).exit_code()
}
