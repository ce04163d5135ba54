//! The command line of the soak.

use std::path::PathBuf;

use clap::Args;

/// Loads each cell in a process of its own, all at once, and checks that their memory, file
/// descriptors, threads and sessions stay flat.
#[derive(Debug, Args)]
pub(crate) struct SoakFlags {
    /// Only this cell (repeatable).
    #[arg(long = "cell", value_name = "NAME")]
    pub(crate) cells: Vec<String>,
    /// How long the load lasts.
    #[arg(long, value_name = "N", default_value_t = 10.0)]
    pub(crate) minutes: f64,
    /// The seed of the load.
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Write the report to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) save: Option<PathBuf>,
    /// For the process of a cell: the file with its task, as JSON.
    #[arg(long, hide = true, value_name = "FILE")]
    pub(crate) child: Option<PathBuf>,
}
