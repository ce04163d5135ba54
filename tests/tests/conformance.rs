//! The conformance suite over the cells of the matrix.
//!
//! `USER_STREAMS_TEST_CELLS` names the cells, with commas between them; `cargo xtask test` sets it,
//! and the URLs of the servers. Without it, the cells that need no server run, and the others are
//! shown as ignored.

use std::{env, path::Path, process::ExitCode};

use user_streams_testkit::libtest_mimic::{Arguments, Trial, run};
use user_streams_tests::cells::{CELLS, Cell};

const VARIABLE: &str = "USER_STREAMS_TEST_CELLS";

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    // Removed when the suite has run.
    let directory = tempfile::tempdir().expect("a temporary directory");
    let trials = match env::var(VARIABLE) {
        Ok(names) => {
            let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
            names.flat_map(|name| requested(name, directory.path())).collect()
        }
        Err(_) => CELLS.iter().flat_map(|cell| by_default(*cell, directory.path())).collect(),
    };
    run(&arguments, trials).exit_code()
}

/// What must run: a cell that cannot is a failure.
fn requested(name: &str, directory: &Path) -> Vec<Trial> {
    let Some(cell) = CELLS.iter().find(|cell| cell.name == name) else {
        return vec![failing(name, format!("{VARIABLE}: there is no cell `{name}`"))];
    };
    match cell.variable() {
        Some(variable) if env::var_os(variable).is_none() => {
            vec![failing(name, format!("the URL of its server is missing: set {variable}"))]
        }
        _ => cell.suite(directory).trials(),
    }
}

fn failing(cell: &str, message: String) -> Trial {
    Trial::test(format!("{cell}::server"), move || Err(message.into()))
}

fn by_default(cell: Cell, directory: &Path) -> Vec<Trial> {
    let trials = cell.suite(directory).trials();
    if cell.variable().is_none() {
        return trials;
    }
    trials.into_iter().map(|trial| trial.with_ignored_flag(true)).collect()
}
