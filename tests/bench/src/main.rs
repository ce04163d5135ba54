//! The benchmarks: every workload beside hand-written programs on the bare drivers, in one run,
//! taking turns.
//!
//! `cargo xtask bench` starts the servers and runs this.

mod cell;
mod fill;
mod flags;
mod machine;
mod measure;
mod report;
mod run;
mod side;
mod statements;
mod workload;

use clap::Parser;
// Links the backends.
use user_streams_many_to_many as _;
use user_streams_redis as _;
use user_streams_single_table as _;

fn main() -> anyhow::Result<()> {
    let flags = flags::Flags::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match &flags.child {
            Some(child) => workload::memory::child(child).await,
            None => run::run(&flags).await,
        }
    })
}
