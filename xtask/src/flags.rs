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
    /// Measure the backends beside hand-written programs on the bare drivers.
    Bench(Bench),
    /// Break servers, connections and callers at random, and judge what is stored and answered
    /// then.
    Fault(Fault),
    /// Run what the CI service runs: formatting, lints, documentation, tidy and the tests.
    Ci(Ci),
    /// Check the rules of the house on manifests, documents and source files.
    Tidy,
    /// Check that an application compiles only what its backends and databases need.
    Dependencies,
    /// Show the cells of the test matrix, and the packages that each needs.
    Matrix(Matrix),
    /// Start throwaway database servers, and stop them on Ctrl-C.
    ///
    /// The lines on standard output are shell commands: paste them, or write them to a file and
    /// source it.
    Servers(Servers),
    /// Make a crate for a new backend, which compiles and passes the conformance suite as it is.
    NewBackend(NewBackend),
}

/// A cell without a server fails; `--list` shows where each server would come from.
#[derive(Debug, Args)]
pub(crate) struct Test {
    /// Run only the conformance suite of this cell (repeatable).
    #[arg(long = "cell", value_name = "NAME")]
    pub(crate) cells: Vec<String>,
    /// Leave this cell out (repeatable).
    #[arg(long = "skip", value_name = "NAME")]
    pub(crate) skipped: Vec<String>,
    /// List the cells, each with its server, and run nothing.
    #[arg(long)]
    pub(crate) list: bool,
    /// Install missing servers with the system's package manager first.
    #[arg(long)]
    pub(crate) install: bool,
    /// Arguments for the test binaries: filters, `--nocapture` and the like.
    #[arg(last = true, value_name = "FILTERS")]
    pub(crate) filters: Vec<String>,
}

/// The figures hold for this machine; the ratios are the result. Close what else is running.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// Measure only this cell (repeatable).
    #[arg(long = "cell", value_name = "NAME")]
    pub(crate) cells: Vec<String>,
    /// Run only this workload, W1 to W8 (repeatable).
    #[arg(long = "workload", value_name = "NAME")]
    pub(crate) workloads: Vec<String>,
    /// Less data and shorter rounds, for a first look.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Write the table and the plots to docs/benchmarks.
    #[arg(long)]
    pub(crate) save: bool,
    /// Write the results as JSON to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

/// A trial that fails prints the line that repeats it alone. Without `--long` it takes some
/// minutes.
#[derive(Debug, Default, Args)]
pub(crate) struct Fault {
    /// Try only this cell (repeatable).
    #[arg(long = "cell", value_name = "NAME")]
    pub(crate) cells: Vec<String>,
    /// Try only this fault (repeatable).
    #[arg(long = "fault", value_name = "NAME")]
    pub(crate) faults: Vec<String>,
    /// The seed of the first trial of each fault; the next ones count up from it [default: random].
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// How many trials of each fault on each cell.
    #[arg(long, value_name = "N")]
    pub(crate) trials: Option<u64>,
    /// Many trials and longer faults; over everything it writes docs/faults.md.
    #[arg(long)]
    pub(crate) long: bool,
    /// Take this mechanism of the SQL backends out first (repeatable): trials must fail then.
    #[arg(long, value_name = "MECHANISM")]
    pub(crate) without: Vec<String>,
    /// Put PgBouncer before PostgreSQL, in the mode `session` or `transaction`, and try those cells
    /// alone.
    #[arg(long, value_name = "MODE")]
    pub(crate) pooler: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Ci {
    /// Leave the tests out.
    #[arg(long)]
    pub(crate) no_test: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Matrix {
    /// Print the `include` list of a GitHub Actions matrix.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Servers {
    /// Which servers to start [default: all].
    #[arg(value_enum, value_name = "NAME")]
    pub(crate) kinds: Vec<Kind>,
    /// Keep the durable settings that a server ships with, as for measurements.
    #[arg(long)]
    pub(crate) durable: bool,
}

#[derive(Debug, Args)]
pub(crate) struct NewBackend {
    /// The crate's name, such as `user-streams-mongo`. The backend and the scheme of its URLs are
    /// called the same, without `user-streams-`.
    pub(crate) name: String,
    /// The directory to make [default: crates/NAME].
    #[arg(long, value_name = "DIR")]
    pub(crate) path: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Xtask::command().debug_assert();
    }
}
