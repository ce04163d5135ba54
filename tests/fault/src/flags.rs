//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// Breaks servers, connections and callers, and counts what is wrong then. `cargo xtask fault`
/// calls this.
#[derive(Debug, Parser)]
pub(crate) struct Flags {
    /// Try this cell only (repeatable).
    #[arg(long = "cell", value_name = "NAME")]
    pub(crate) cells: Vec<String>,
    /// Try this fault only (repeatable).
    #[arg(long = "fault", value_name = "NAME")]
    pub(crate) faults: Vec<String>,
    /// The seed of the first trial of each fault; the next ones count up from it.
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// How many trials of each fault on each cell.
    #[arg(long, value_name = "N")]
    pub(crate) trials: Option<u64>,
    /// Many trials and the longer windows.
    #[arg(long)]
    pub(crate) long: bool,
    /// Take this mechanism of the SQL backends out first (repeatable): trials must fail then.
    #[arg(long, value_name = "MECHANISM")]
    pub(crate) without: Vec<String>,
    /// Put PgBouncer before PostgreSQL, in this mode, and try those cells alone.
    #[arg(long, value_name = "MODE", value_parser = ["session", "transaction"])]
    pub(crate) pooler: Option<String>,
    /// Write the table to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) save: Option<PathBuf>,
    /// For a client that is a process of its own: what it does, as JSON.
    #[arg(long, hide = true, value_name = "JSON")]
    pub(crate) child: Option<String>,
}
