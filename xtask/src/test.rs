//! `cargo xtask test`: the matrix of backends and databases.

use std::{
    io::{self, IsTerminal, Read, Write},
    process::Command,
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use user_streams_test_servers::{
    self as servers, Profile, Server, Source, interrupt,
    process::{Process, Stop, display},
};

use crate::{
    cells::{self, CELLS, Cell},
    flags::Test,
    summary::{Fate, Row, Summary, table},
    trials::Trials,
    workspace,
};

/// The variable that tells the conformance suite which cells to run.
const CELLS_VARIABLE: &str = "USER_STREAMS_TEST_CELLS";
/// How long output may keep coming after cargo has ended: a process that a test left behind may
/// hold the pipe.
const GRACE: Duration = Duration::from_secs(1);

/// Runs the tests, or lists the cells.
pub(crate) fn run(flags: &Test) -> Result<()> {
    let skipped = cells::named(&flags.skipped)?;
    let asked = if flags.cells.is_empty() { CELLS.to_vec() } else { cells::named(&flags.cells)? };
    let cells: Vec<_> = asked.iter().copied().filter(|cell| !skipped.contains(cell)).collect();
    if flags.list {
        list(&cells);
        return Ok(());
    }
    if cells.is_empty() {
        bail!("every cell that was asked for is skipped");
    }

    let kinds = cells::servers(&cells);
    if flags.install {
        servers::install(&kinds)?;
    }
    let started = servers::concurrently(&kinds, |kind| servers::provide(kind, Profile::Fast));
    interrupt::check()?;
    let rows: Vec<_> = asked.iter().map(|cell| row(cell, &skipped, &started)).collect();
    let running: Vec<_> = started.iter().filter_map(|(_, server)| server.as_ref().ok()).collect();

    let mut trials = Trials::default();
    let handed: Vec<_> =
        rows.iter().filter(|row| row.fate == Fate::Handed).map(|row| row.cell).collect();
    let cargo = if handed.is_empty() && !flags.cells.is_empty() {
        None
    } else {
        Some(watch(command(flags, &handed, &running), &mut trials)?)
    };
    drop(started);

    let may_be_empty = flags.cells.is_empty() && is_filtered(&flags.filters);
    let summary = Summary { rows: &rows, trials: &trials, cargo, may_be_empty };
    print!("\n{}", summary.render());
    if !summary.success() {
        bail!("the tests failed");
    }
    Ok(())
}

/// Shows where each cell's server would come from.
fn list(cells: &[Cell]) {
    let rows = cells.iter().map(|cell| {
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
        vec![cell.name.to_owned(), server.to_owned(), source]
    });
    print!("{}", table(&["cell", "server", "from"], rows));
}

/// What becomes of a cell, now that the servers have started or not.
fn row(cell: &Cell, skipped: &[Cell], started: &[(servers::Kind, Result<Server>)]) -> Row {
    let server = started.iter().find(|(kind, _)| Some(*kind) == cell.server);
    let fate = match server {
        _ if skipped.contains(cell) => Fate::Skipped,
        Some((_, Err(error))) => Fate::NoServer(format!("{error:#}")),
        _ => Fate::Handed,
    };
    Row { cell: cell.name, fate }
}

/// The `cargo test` of these cells and servers.
fn command(flags: &Test, cells: &[&str], servers: &[&Server]) -> Command {
    let mut command = workspace::cargo();
    command.arg("test");
    if flags.cells.is_empty() {
        // The benchmarks have no tests, and are built with optimizations.
        command.args([
            "--workspace",
            "--exclude=user-streams-bench",
            "--all-features",
            "--no-fail-fast",
        ]);
    } else {
        command.args(["-p", "user-streams-tests", "--all-features", "--test", "conformance"]);
    }
    if !flags.filters.is_empty() {
        command.arg("--").args(&flags.filters);
    }
    command.env(CELLS_VARIABLE, cells.join(","));
    for server in servers {
        command.env(server.kind.variable(), &server.url);
    }
    command
}

/// Runs cargo, shows its output while reading it, and tells whether it succeeded.
fn watch(mut command: Command, trials: &mut Trials) -> Result<bool> {
    eprintln!("running `{}`", display(&command));
    // One pipe for both streams: cargo's `Running …` lines, which tell the binaries apart, stay in
    // their place.
    let (mut reader, writer) = io::pipe()?;
    command.stdout(writer.try_clone()?).stderr(writer);
    command.env("CARGO_TERM_QUIET", "false").env("CARGO_TERM_VERBOSE", "false");
    if io::stdout().is_terminal() && std::env::var_os("CARGO_TERM_COLOR").is_none() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    let mut process = Process::spawn(&mut command, Stop::Terminate)?;
    // It holds our copies of the pipe's writing end.
    drop(command);

    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut buffer = [0; 8 * 1024];
        while let Ok(length @ 1..) = reader.read(&mut buffer) {
            if sender.send(buffer[..length].to_vec()).is_err() {
                break;
            }
        }
    });
    let mut ended = None;
    loop {
        match receiver.recv_timeout(Duration::from_millis(50)) {
            Ok(output) => {
                trials.feed(&output);
                let mut stdout = io::stdout().lock();
                stdout.write_all(&output)?;
                stdout.flush()?;
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) if process.exit_status()?.is_some() => {
                if ended.get_or_insert_with(Instant::now).elapsed() > GRACE {
                    break;
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
        interrupt::check()?;
    }
    Ok(process.wait()?.success())
}

/// Whether these arguments of the test binaries leave tests out.
fn is_filtered(arguments: &[String]) -> bool {
    arguments.iter().any(|argument| !argument.starts_with('-') || argument.starts_with("--skip"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_no_filters() {
        assert!(!is_filtered(&["--nocapture".into(), "--test-threads=1".into()]));
        assert!(is_filtered(&["--nocapture".into(), "ordering".into()]));
        assert!(is_filtered(&["--skip=ordering".into()]));
    }

    #[test]
    fn one_cell_builds_the_conformance_suite_alone() {
        let flags = Test {
            cells: vec!["redis".into()],
            skipped: Vec::new(),
            list: false,
            install: false,
            filters: vec!["ordering".into()],
        };
        let command = display(&command(&flags, &["redis"], &[]));
        let expected = "test -p user-streams-tests --all-features --test conformance -- ordering";
        assert!(command.ends_with(expected), "{command}");
    }
}
