//! Guarantees that need a server or a process for a test alone: durability, the memory of a
//! broadcast, and the guide's way of retrying.
//!
//! `cargo test -p user-streams-tests --all-features --test guarantees`. A test starts its server,
//! and fails where none is installed.

mod durability;
mod memory;
mod recipe;
mod retries;
mod watched;

use std::process::ExitCode;

use user_streams_test_servers::{Kind, cells};
use user_streams_testkit::libtest_mimic::{Arguments, Trial, run};
// Names the crate, which names the backends.
use user_streams_tests as _;

const RESTARTED: [Kind; 3] = [Kind::Postgres, Kind::Mysql, Kind::Redis];
/// What comes before a server's URL, and its kind; none is SQLite.
const BACKENDS: [(&str, Option<Kind>); 5] = [
    ("single-table+", None),
    ("many-to-many+", None),
    ("single-table+", Some(Kind::Postgres)),
    ("many-to-many+", Some(Kind::Mysql)),
    ("", Some(Kind::Redis)),
];

fn main() -> ExitCode {
    if memory::measure() || durability::add_until_the_end() {
        return ExitCode::SUCCESS;
    }
    let retries = RESTARTED.map(|kind| {
        let name = "retries::a_killed_server_loses_and_doubles_nothing_and_retries_are_spread";
        trial(name, Some(kind), kind.title(), move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            let test =
                retries::a_killed_server_loses_and_doubles_nothing_and_retries_are_spread(kind);
            runtime.block_on(test);
        })
    });
    let durability = BACKENDS.map(|(backend, kind)| {
        let name = "durability::what_was_acknowledged_outlives_killed_processes";
        trial(name, kind, &cell(backend, kind), move || {
            durability::what_was_acknowledged_outlives_killed_processes(backend, kind);
        })
    });
    let memory = BACKENDS.map(|(backend, kind)| {
        let name = "memory::a_broadcast_to_a_million_takes_no_more_than_one_to_some";
        trial(name, kind, &cell(backend, kind), move || {
            memory::a_broadcast_to_a_million_takes_no_more_than_one_to_some(backend, kind);
        })
        // The peak of a process is known to Linux alone.
        .with_ignored_flag(!cfg!(target_os = "linux") || kind.is_some_and(cells::is_unneeded))
    });
    let mut trials = vec![
        Trial::test("retries::a_permanent_failure_is_not_retried", || {
            retries::a_permanent_failure_is_not_retried();
            Ok(())
        }),
        Trial::test("retries::a_lasting_failure_is_given_up_after_a_minute", || {
            retries::a_lasting_failure_is_given_up_after_a_minute();
            Ok(())
        }),
    ];
    trials.extend(retries);
    trials.extend(durability);
    trials.extend(memory);
    run(&Arguments::from_args(), trials).exit_code()
}

fn cell(backend: &str, kind: Option<Kind>) -> String {
    format!("{backend}{}", kind.map_or("SQLite", Kind::title))
}

fn trial(
    name: &str,
    server: Option<Kind>,
    cell: &str,
    test: impl FnOnce() + Send + 'static,
) -> Trial {
    let run = move || {
        test();
        Ok(())
    };
    let is_skipped = server.is_some_and(cells::is_unneeded);
    Trial::test(format!("{name} ({cell})"), run).with_ignored_flag(is_skipped)
}
