//! `import-django` on what the original's own code has stored: `tests/django` of the workspace, in
//! SQLite, PostgreSQL, MySQL or MariaDB, and Redis.
//!
//! `cargo xtask test` starts the servers and sets the variables of their URLs; without its server a
//! test fails.

mod again;
mod answers;
mod command;
mod expected;
mod read_only;
mod redis;
mod refusals;
mod source;
mod target;

use std::process::ExitCode;

use futures_util::future::BoxFuture;
use libtest_mimic::{Arguments, Trial};
use source::{KINDS, Kind, Source};
use user_streams_test_servers::{self as servers, cells};

/// A test, and the kinds of source that it is for.
type Test = (&'static str, &'static [Kind], fn(Source) -> BoxFuture<'static, ()>);

/// Makes a list of tests of async functions, each for some kinds.
macro_rules! tests {
    ($($test:ident: $kinds:expr),+ $(,)?) => {
        pub(crate) const TESTS: &[crate::Test] = &[$((
            concat!(module_path!(), "::", stringify!($test)),
            $kinds,
            |source| Box::pin($test(source)),
        )),+];
    };
}
use tests;

fn main() -> ExitCode {
    let tests = [again::TESTS, answers::TESTS, read_only::TESTS, refusals::TESTS].concat();
    let trials = KINDS.iter().flat_map(|kind| {
        let tests = tests.iter().filter(|(_, kinds, _)| kinds.contains(kind));
        tests.map(|(name, _, test)| trial(*kind, name, *test)).collect::<Vec<_>>()
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

fn trial(kind: Kind, name: &str, test: fn(Source) -> BoxFuture<'static, ()>) -> Trial {
    let name = format!("{}::{}", kind.name(), name.trim_start_matches("import_django::"));
    let run = move || {
        kind.server().map(servers::url).transpose()?;
        let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
        runtime.block_on(async { test(Source::create(kind).await).await });
        Ok(())
    };
    Trial::test(name, run).with_ignored_flag(kind.server().is_some_and(cells::is_unneeded))
}
