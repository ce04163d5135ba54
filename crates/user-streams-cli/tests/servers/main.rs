//! The program on servers: what is exported from SQLite, restored there and exported again is the
//! same, and what SIGINT or SIGKILL has interrupted is completed. What is stored is counted by SQL,
//! and by `redis-cli`.
//!
//! A million is `USER_STREAMS_TEST_IDS=1000000 cargo xtask test -- interrupts_is_completed`.
//!
//! `cargo xtask test` gives the URLs; what needs a server fails without, unless no selected cell
//! needs that server.

mod count;
#[path = "../command/full.rs"]
mod full;
#[path = "../command/support.rs"]
mod support;

use std::{
    env,
    io::Write,
    process::{self, ExitCode, Stdio},
};

use libtest_mimic::{Arguments, Failed, Trial, run};
use rustix::process::{Pid, Signal, kill_process};
use user_streams_test_servers::{
    self as servers,
    cells::{self, CELLS, Cell},
};

use count::count;
use full::SETTINGS;
use support::{AT, Home, ran, wait_until};

type Test = fn(Cell) -> Result<(), Failed>;

/// How many users are served, unless the variable `USER_STREAMS_TEST_IDS` says it.
const IDS: u64 = 60_000;

fn main() -> ExitCode {
    let mut trials = Vec::new();
    for cell in CELLS.iter().filter(|cell| cell.server.is_some()) {
        let is_skipped = cells::selected().is_ok_and(|cells| !cells.contains(cell));
        let tests: [(&str, Test); 3] = [
            ("an_export_of_another_backend_comes_back", an_export_of_another_backend_comes_back),
            ("what_sigint_interrupts_is_completed", |cell| is_completed_after(Signal::INT, cell)),
            ("what_sigkill_interrupts_is_completed", |cell| is_completed_after(Signal::KILL, cell)),
        ];
        for (name, test) in tests {
            let trial = Trial::test(format!("{}::{name}", cell.name), move || test(*cell));
            trials.push(trial.with_ignored_flag(is_skipped));
        }
    }
    run(&Arguments::from_args(), trials).exit_code()
}

/// The streams of a test on a cell, which no other has.
struct Place {
    home: Home,
    server: String,
    name: String,
}

impl Place {
    fn new(cell: Cell, test: &str, settings: &[(&'static str, &str)]) -> Result<Self, Failed> {
        let server = cell.server.map(servers::url).transpose()?.unwrap_or_default();
        let initials: String =
            cell.name.split(['-', '/']).filter_map(|word| word.chars().next()).collect();
        let name = format!("cli_{}_{initials}_{test}", process::id());
        let mut settings = settings.to_vec();
        let backend = match cell.name.split_once('/') {
            Some((backend, _)) => {
                settings.push(("USER_STREAMS_SINGLE_TABLE_TABLE", &name));
                settings.push(("USER_STREAMS_MANY_TO_MANY_TABLE", &name));
                format!("{backend}+{server}")
            }
            None => {
                settings.push(("USER_STREAMS_REDIS_KEY_PREFIX", &name));
                let is_shared = cell.name == "redis-shared-content";
                settings.extend(
                    is_shared.then_some(("USER_STREAMS_REDIS_SHARED_CONTENT_MIN_LEN", "0")),
                );
                server.clone()
            }
        };
        Ok(Self { home: Home::of(&backend, &settings), server, name })
    }
}

fn an_export_of_another_backend_comes_back(cell: Cell) -> Result<(), Failed> {
    let export = full::full().ok(&["export"]);
    let place = Place::new(cell, "e", SETTINGS)?;
    let restored = place.home.run_with(&["restore"], &export).ok();
    assert!(restored.ends_with(" added\n") && !restored.contains(", 0 added"), "{restored}");
    assert!(place.home.ok(&["export"]) == export, "another export");
    assert!(place.home.run_with(&["restore"], &export).ok().ends_with(", 0 added\n"));
    Ok(())
}

fn is_completed_after(signal: Signal, cell: Cell) -> Result<(), Failed> {
    let ids = env::var("USER_STREAMS_TEST_IDS").map_or(Ok(IDS), |ids| ids.parse())?;
    let place = Place::new(cell, if signal == Signal::INT { "i" } else { "k" }, &[])?;
    let add = [&["add", "--users-from", "-"], AT, &["campaign:7", "Hello"]].concat();
    let all: String = (1..=ids).map(|id| format!("{id}\n")).collect();
    let half = all.split_at(all.len() / 2).0;
    let mut child = place.home.command(&add).stdin(Stdio::piped()).spawn()?;
    // It stays open: the program waits for more.
    let mut stdin = child.stdin.take().expect("standard input");
    stdin.write_all(half.as_bytes())?;
    let stored = || count(cell, &place.server, &place.name);
    wait_until("a part is stored", || stored().is_ok_and(|(rows, _)| rows >= ids / 6));
    kill_process(Pid::from_child(&child), signal)?;
    let ended = ran(child);
    drop(stdin);
    assert_eq!(ended.code, (signal == Signal::INT).then_some(130), "{}", ended.stderr);
    assert!(stored()?.0 < ids);

    let added = place.home.run_with(&add, &all).ok();
    assert!(added.ends_with(" delivered\n"), "{added}");
    assert_eq!(stored()?, (ids, ids));
    assert!(place.home.run_with(&add, &all).ok().ends_with("  0 delivered\n"));
    Ok(())
}
