//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use user_streams_test_servers::harness::CellFlags;

/// Measures user-streams beside hand-written programs. `cargo xtask bench` starts the servers and
/// calls this.
#[derive(Debug, Parser)]
pub(crate) struct Flags {
    #[command(flatten)]
    pub(crate) cells: CellFlags,
    /// Run this workload only (repeatable).
    #[arg(long = "workload", value_name = "NAME", value_enum, ignore_case = true)]
    pub(crate) workloads: Vec<Workload>,
    /// Measure less data in shorter rounds, for a first impression.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Write the results as JSON to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Write the table and the plots into this directory.
    #[arg(long, value_name = "DIR")]
    pub(crate) save: Option<PathBuf>,
    /// For the child process of W7 and W11: its task, as JSON.
    #[arg(long, hide = true, value_name = "JSON")]
    pub(crate) child: Option<String>,
}

/// A workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Workload {
    /// Add one item to one user, sequentially and from 64 tasks.
    W1,
    /// Broadcast from a slice, a stream and a query.
    W2,
    /// Read the first page of 20, with 1 and 32 readers.
    W3,
    /// Read a page far down, by cursor and by offset.
    W4,
    /// Count.
    W5,
    /// Bytes stored per delivery.
    W6,
    /// Memory of a broadcast to a long stream of users.
    W7,
    /// A mixed load.
    W8,
    /// Serve everyone by one write, and read with audiences.
    W9,
    /// Count what is unread, and mark it read.
    W10,
    /// Add many items to many users, and copy to another storage.
    W11,
    /// Remove one item from many users; read with `max_len`.
    W12,
    /// Subscribe, and add while it is told.
    W13,
    /// Read a numbered page, counting all, some or no items.
    W14,
    /// A web server with 2,000 open streams of events, and its first page, whole and as 304.
    W15,
}

impl Workload {
    pub(crate) fn name(self) -> &'static str {
        const NAMES: [&str; 15] = [
            "W1", "W2", "W3", "W4", "W5", "W6", "W7", "W8", "W9", "W10", "W11", "W12", "W13",
            "W14", "W15",
        ];
        NAMES[self as usize]
    }
}
