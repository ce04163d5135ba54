//! The command line.

use std::{num::NonZero, path::PathBuf, thread};

use clap::Parser;

/// Runs the fuzz targets with mutated inputs, and prints a table.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask fuzz", bin_name = "cargo xtask fuzz")]
pub(crate) struct Flags {
    /// Run only this target, or those that begin with `NAME/` (repeatable).
    #[arg(long = "target", value_name = "NAME")]
    pub(crate) targets: Vec<String>,
    /// How many inputs each target gets [default: 200000, without a limit if there are minutes].
    #[arg(long)]
    inputs: Option<u64>,
    /// The inputs are the same for the same seed.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// End each target after so many minutes.
    #[arg(long)]
    pub(crate) minutes: Option<f64>,
    /// How many targets run at a time [default: one a core].
    #[arg(long)]
    jobs: Option<usize>,
    /// Run the one target with the input in this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) input: Option<PathBuf>,
    /// Write the seeds and dictionaries for libFuzzer, a folder each.
    #[arg(long, value_name = "DIR")]
    pub(crate) export: Option<PathBuf>,
    /// Print the names of the targets.
    #[arg(long)]
    pub(crate) list: bool,
}

impl Flags {
    pub(crate) fn inputs(&self) -> u64 {
        self.inputs.unwrap_or(if self.minutes.is_some() { u64::MAX } else { 200_000 })
    }

    pub(crate) fn jobs(&self) -> usize {
        let cores = || thread::available_parallelism().map_or(1, NonZero::get);
        self.jobs.unwrap_or_else(cores).max(1)
    }
}
