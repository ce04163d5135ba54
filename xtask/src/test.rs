//! `cargo xtask test` and `cargo xtask matrix`: the cells of the test matrix.

use std::{
    fs,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};
use user_streams_test_servers::{
    self as servers, Profile, Source,
    cells::{self, CELLS, Cell},
    interrupt, process,
};

use crate::{
    flags::Test,
    web::{self, Programs},
    workspace,
};

/// Starts the servers and runs the tests, or lists the cells.
pub(crate) fn run(flags: &Test) -> Result<()> {
    if flags.no_servers {
        let cells = CELLS.iter().filter(|cell| cell.server.is_none());
        let cells = cells.map(|cell| cell.name.to_owned()).collect();
        return run(&Test { cells, no_servers: false, ..flags.clone() });
    }
    if flags.page {
        if flags.install {
            web::install(&[])?;
        }
        return Programs::find()?.test_all(&flags.filters);
    }
    let skipped = cells::named(&flags.skipped)?;
    let asked = if flags.cells.is_empty() { CELLS.to_vec() } else { cells::named(&flags.cells)? };
    let cells: Vec<_> = asked.into_iter().filter(|cell| !skipped.contains(cell)).collect();
    if flags.list {
        list(&cells);
        if flags.cells.is_empty() {
            Programs::find()?.list();
        }
        return Ok(());
    }
    if cells.is_empty() {
        bail!("every selected cell is skipped");
    }
    let kinds = cells::servers(&cells);
    if flags.install {
        match flags.cells.is_empty() {
            true => web::install(&kinds)?,
            // One cell has no page.
            false => servers::install(&kinds, &[])?,
        }
    }

    let names: Vec<_> = cells.iter().map(|cell| cell.name).collect();
    let mut command = cargo_test(flags, &flags.filters);
    command.env(cells::VARIABLE, names.join(","));
    if !flags.filters.is_empty() {
        check_filters(flags, &names)?;
    }
    let started = servers::concurrently(&kinds, |kind| servers::provide(kind, Profile::Fast));
    interrupt::check()?;
    let mut errors = Vec::new();
    for (kind, server) in &started {
        match server {
            Ok(server) => command.env(kind.variable(), &server.url),
            // Its cells fail, the others run.
            Err(error) => {
                errors.push(format!("{error:#}"));
                command.env_remove(kind.variable())
            }
        };
    }
    let table = tempfile::NamedTempFile::new().context("cannot create a temporary file")?;
    command.env(cells::TABLE_VARIABLE, table.path());
    eprintln!("running `{}`", process::display(&command));
    let tests = process::run(&mut command);
    print!("\n{}", fs::read_to_string(table.path())?);
    if let Err(status) = tests {
        errors.push(format!("the tests failed ({status})"));
    }
    if flags.cells.is_empty() {
        let tested = Programs::find()?.test(cargo_test(flags, &[]), &flags.filters);
        errors.extend(tested.err().map(|error| format!("{error:#}")));
    }
    if !errors.is_empty() {
        bail!("{}", errors.join("\n"));
    }
    Ok(())
}

/// Prints the names of the cells as JSON, for the matrix of a CI service.
pub(crate) fn matrix() -> Result<()> {
    println!("{}", CELLS.iter().map(|cell| cell.name).collect::<serde_json::Value>());
    Ok(())
}

/// Shows where each cell's server would come from.
fn list(cells: &[Cell]) {
    for cell in cells {
        let (server, source) = match cell.server {
            None => ("none", String::new()),
            Some(kind) => {
                let source = match servers::source(kind) {
                    Source::Environment(_) => format!("the URL in {}", kind.variable()),
                    Source::Local(directory) => {
                        format!("a throwaway instance of {}", directory.display())
                    }
                    Source::Missing => format!("MISSING: {}", servers::missing(kind)),
                };
                (kind.title(), source)
            }
        };
        println!("{}", format!("{:<24}{server:<15}{source}", cell.name).trim_end());
    }
}

/// The `cargo test` with these arguments for the test binaries.
fn cargo_test(flags: &Test, arguments: &[String]) -> Command {
    let mut command = workspace::cargo();
    command.args(["test", "--all-features"]);
    if flags.cells.is_empty() {
        // The benchmarks have no tests, and are built with optimizations.
        command.args(["--workspace", "--exclude=user-streams-bench", "--no-fail-fast"]);
    } else {
        command.args(["-p", "user-streams-tests", "--test", "conformance"]);
    }
    if !arguments.is_empty() {
        command.arg("--").args(arguments);
    }
    command
}

/// Fails if the filters leave no test, or no test of a cell that was asked for.
fn check_filters(flags: &Test, names: &[&str]) -> Result<()> {
    let mut list = cargo_test(flags, &[&["--list".to_owned()], &flags.filters[..]].concat());
    list.env(cells::VARIABLE, names.join(",")).stderr(Stdio::inherit());
    let output = list.output().context("cannot run cargo")?;
    if !output.status.success() {
        bail!("the tests cannot be listed ({})", output.status);
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let mut tests = text.lines().filter(|line| line.ends_with(": test"));
    let missing = names.iter().find(|name| {
        let is_of_cell = |test: &str| test.starts_with(&format!("{name}::"));
        !flags.cells.is_empty() && !tests.clone().any(is_of_cell)
    });
    match missing {
        Some(cell) => bail!("no test of {cell} matches {}", flags.filters.join(" ")),
        None if tests.next().is_none() => bail!("no test matches {}", flags.filters.join(" ")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_cell_builds_the_conformance_suite_alone() {
        let flags = Test { cells: vec!["redis".into()], ..Test::default() };
        let command = process::display(&cargo_test(&flags, &["ordering".into()]));
        let expected = "test --all-features -p user-streams-tests --test conformance -- ordering";
        assert!(command.ends_with(expected), "{command}");
    }
}
