//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use user_streams_test_servers::harness::CellFlags;

use crate::soak::SoakFlags;

/// Injects faults into servers, connections and callers, then checks what is stored and what was
/// answered. `cargo xtask fault` calls this.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Flags {
    #[command(subcommand)]
    pub(crate) mode: Option<Mode>,
    #[command(flatten)]
    pub(crate) cells: CellFlags,
    /// Only this fault (repeatable).
    #[arg(long = "fault", value_name = "NAME")]
    pub(crate) faults: Vec<String>,
    /// The seed of the first trial of each fault; the next ones count up from it.
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// How many trials of each fault on each cell.
    #[arg(long, value_name = "N")]
    pub(crate) trials: Option<u64>,
    /// How many trials run at once: most of the time they wait. Fewer on a busy machine.
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub(crate) jobs: u32,
    /// More trials, and longer faults.
    #[arg(long)]
    pub(crate) long: bool,
    /// Disable this mechanism of the SQL backends (repeatable): trials must fail then.
    #[arg(long, value_name = "MECHANISM")]
    pub(crate) without: Vec<String>,
    /// Connect to PostgreSQL through PgBouncer in this pool mode, and try those cells alone.
    #[arg(long, value_name = "MODE", value_parser = ["session", "transaction"])]
    pub(crate) pooler: Option<String>,
    /// Write the report to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) save: Option<PathBuf>,
    /// For a client process: the file with its task, as JSON.
    #[arg(long, hide = true, value_name = "FILE")]
    pub(crate) child: Option<PathBuf>,
}

/// What else this program does.
#[derive(Debug, Subcommand)]
pub(crate) enum Mode {
    Soak(SoakFlags),
}
