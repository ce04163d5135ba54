//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use user_streams_test_servers::Kind;

/// The workspace's tasks.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
pub(crate) struct Xtask {
    #[command(subcommand)]
    pub(crate) task: Task,
}

/// One variant a command; the first line is its help.
#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// Run the tests against every backend and database.
    Test(Test),
    /// Measure the backends beside programs written by hand on the bare drivers (`--help`).
    #[command(disable_help_flag = true)]
    Bench(PassedOn),
    /// Measure what an application takes with one backend: crates, seconds to compile, the size of
    /// its binary, the time to its first page, and what a call allocates.
    Footprint(Footprint),
    /// Inject faults into servers, connections and callers, then check what is stored and what was
    /// answered (`--help`).
    #[command(disable_help_flag = true)]
    Fault(PassedOn),
    /// Run the fuzz targets: what parses text or bytes from outside, with inputs of chance.
    #[command(disable_help_flag = true)]
    Fuzz(Fuzz),
    /// Load every cell for minutes, drop calls, and check that memory, file descriptors and
    /// sessions stay flat (`--help`).
    #[command(disable_help_flag = true)]
    Soak(PassedOn),
    /// Run what the CI service runs: formatting, lints, documentation, tidy and the tests.
    Ci(Ci),
    /// Check the repository's own lints on manifests, documents and source files.
    Tidy,
    /// Check that an application compiles only what its backends and databases need.
    Dependencies,
    /// Print the names of the test matrix's cells as JSON, for the matrix of a CI service.
    Matrix,
    /// Start throwaway database servers, and stop them on Ctrl-C.
    ///
    /// The lines on standard output are shell commands: paste them, or write them to a file and
    /// source it.
    Servers(Servers),
    /// Package and verify every published crate, and compare its API with the last release.
    Release(Release),
    /// Create a crate for a new backend, which compiles and passes the conformance suite as it is.
    NewBackend(NewBackend),
}

/// A cell whose server is missing fails; `--list` shows where each server would come from.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Test {
    /// Run only the conformance suite of this cell (repeatable).
    #[arg(long = "cell", value_name = "NAME")]
    pub(crate) cells: Vec<String>,
    /// Skip this cell (repeatable).
    #[arg(long = "skip", value_name = "NAME")]
    pub(crate) skipped: Vec<String>,
    /// Run only the conformance suite of the cells that need no server: in memory and on SQLite.
    #[arg(long, conflicts_with_all = ["cells", "install", "page"])]
    pub(crate) no_servers: bool,
    /// Run only the tests of the page: in a browser, and by tools of others.
    #[arg(long, conflicts_with_all = ["cells", "skipped", "list"])]
    pub(crate) page: bool,
    /// List the cells, each with its server, and run nothing.
    #[arg(long)]
    pub(crate) list: bool,
    /// Install missing servers, a browser and Python's tools first: with the system's package
    /// manager, and with pip into the target directory.
    #[arg(long)]
    pub(crate) install: bool,
    /// Arguments for the test binaries: filters, `--nocapture` and the like.
    #[arg(last = true, value_name = "FILTERS")]
    pub(crate) filters: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Footprint {
    /// Measure this backend only, by its feature (repeatable).
    #[arg(long = "feature", value_name = "FEATURE")]
    pub(crate) features: Vec<String>,
}

/// The arguments of the program that is run.
#[derive(Debug, Default, Args)]
pub(crate) struct PassedOn {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) arguments: Vec<String>,
}

impl PassedOn {
    /// Whether they name this cell.
    pub(crate) fn name_cell(&self, name: &str) -> bool {
        let names =
            |argument: &String| argument.strip_prefix("--cell=").unwrap_or(argument) == name;
        self.arguments.iter().any(names)
    }
}

/// The arguments of the program that is run, or of libFuzzer.
#[derive(Debug, Args)]
pub(crate) struct Fuzz {
    /// Run this target with libFuzzer, guided by coverage. What follows are its arguments, such as
    /// `-max_total_time=60`.
    #[arg(long, value_name = "TARGET")]
    pub(crate) guided: Option<String>,
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) arguments: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Ci {
    /// Skip the tests.
    #[arg(long)]
    pub(crate) no_test: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Servers {
    /// Which servers to start [default: all].
    #[arg(value_enum, value_name = "NAME")]
    pub(crate) kinds: Vec<Kind>,
    /// Keep a server's default durability, as for measurements.
    #[arg(long)]
    pub(crate) durable: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Release {
    /// Publish nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Package what is not committed, too.
    #[arg(long)]
    pub(crate) allow_dirty: bool,
}

#[derive(Debug, Args)]
pub(crate) struct NewBackend {
    /// The crate's name, such as `user-streams-mongo`. Without `user-streams-` it is also the name
    /// of the backend and the scheme of its URLs.
    pub(crate) name: String,
    /// The directory to create [default: crates/NAME].
    #[arg(long, value_name = "DIR")]
    pub(crate) path: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::{Task, Xtask};

    #[test]
    fn the_command_line_is_consistent() {
        Xtask::command().debug_assert();
    }

    #[test]
    fn the_arguments_of_another_program_are_passed_on() {
        let line = ["xtask", "fault", "--cell=redis", "--seed", "1", "--help"];
        let Task::Fault(flags) = Xtask::parse_from(line).task else { panic!("not `fault`") };
        assert_eq!(flags.arguments, line[2..]);
        assert!(flags.name_cell("redis") && !flags.name_cell("memory"));
    }
}
