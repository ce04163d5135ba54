//! The conformance suite over the cells of the matrix, one after the other.
//!
//! `USER_STREAMS_TEST_CELLS` names the cells, separated by commas; without it every cell runs.
//! `cargo xtask test` sets it, and starts the servers. A cell fails if its server is missing or if
//! none of its tests ran.

use std::{env, fs, path::Path, process::ExitCode};

use user_streams_test_servers::{
    self as servers,
    cells::{self, Cell},
};
use user_streams_testkit::libtest_mimic::{Arguments, Conclusion, run};
use user_streams_tests::cells::suite;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    // Removed when the suite has run.
    let directory = tempfile::tempdir().expect("a temporary directory");
    let cells = cells::selected().unwrap_or_else(|error| panic!("{}: {error}", cells::VARIABLE));
    if arguments.list {
        let trials = cells.iter().flat_map(|cell| suite(*cell, directory.path()).trials());
        return run(&arguments, trials.collect()).exit_code();
    }

    let mut table = format!("{:<24}{:>6}{:>8}{:>9}  result\n", "cell", "ran", "failed", "ignored");
    let mut code = ExitCode::SUCCESS;
    for cell in cells {
        println!("\n{}", cell.name);
        let (counts, result) = test(cell, &arguments, directory.path());
        let [passed, failed, ignored] = counts;
        let result = result.unwrap_or_else(|problem| {
            code = ExitCode::FAILURE;
            format!("FAILED: {problem}")
        });
        let ran = passed + failed;
        table += &format!("{:<24}{ran:>6}{failed:>8}{ignored:>9}  {result}\n", cell.name);
    }
    match env::var_os(cells::TABLE_VARIABLE) {
        Some(file) => fs::write(file, table).expect("the table cannot be written"),
        None => print!("\n{table}"),
    }
    code
}

/// How many tests passed, failed and were ignored, and the result of the cell.
fn test(cell: Cell, arguments: &Arguments, directory: &Path) -> ([u64; 3], Result<String, String>) {
    if let Some(Err(error)) = cell.server.map(servers::url) {
        println!("\n{error:#}");
        return ([0; 3], Err("no server".to_owned()));
    }
    let Conclusion { num_passed, num_failed, num_ignored, .. } =
        run(arguments, suite(cell, directory).trials());
    let is_filtered = arguments.filter.is_some() || !arguments.skip.is_empty();
    let result = match (num_passed, num_failed) {
        (_, 1..) => Err("see above".to_owned()),
        (1.., 0) => Ok("ok".to_owned()),
        (0, 0) if is_filtered => Ok("no test matches the filter".to_owned()),
        (0, 0) => Err("no test ran".to_owned()),
    };
    ([num_passed, num_failed, num_ignored], result)
}
