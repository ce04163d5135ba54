//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Measures user-streams beside hand-written programs. `cargo xtask bench` starts the servers and
/// calls this.
#[derive(Debug, Parser)]
pub(crate) struct Flags {
    /// Measure this cell only (repeatable).
    #[arg(long = "cell", value_name = "NAME")]
    pub(crate) cells: Vec<String>,
    /// Run this workload only (repeatable).
    #[arg(long = "workload", value_name = "NAME", value_enum, ignore_case = true)]
    pub(crate) workloads: Vec<Workload>,
    /// Less data and shorter rounds, for a first look.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Write the results as JSON to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Write the table and the plots into this directory.
    #[arg(long, value_name = "DIR")]
    pub(crate) save: Option<PathBuf>,
    /// For the children of W7: what to broadcast and where, as JSON.
    #[arg(long, hide = true, value_name = "JSON")]
    pub(crate) child: Option<String>,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Workload {
    /// Add one item to one user, one after the other and from 64 tasks.
    W1,
    /// Broadcast from a slice, a stream and a query.
    W2,
    /// The first page of 20, with 1 and 32 readers.
    W3,
    /// A page far down, by cursor and by offset.
    W4,
    /// Count.
    W5,
    /// Bytes stored per delivery.
    W6,
    /// Memory of a broadcast to a long stream of users.
    W7,
    /// Mixed load.
    W8,
}

impl Workload {
    pub(crate) fn name(self) -> &'static str {
        ["W1", "W2", "W3", "W4", "W5", "W6", "W7", "W8"][self as usize]
    }
}
