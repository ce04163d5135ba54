//! The benchmarks: every workload of the library and of hand-written programs on the bare drivers,
//! in one run, in alternating rounds.
//!
//! `cargo xtask bench` starts the servers and runs this.

mod bench;
mod child;
mod feed_statements;
mod fill;
mod flags;
mod machine;
mod measure;
mod placeholders;
mod program;
mod report;
mod run;
mod sql;
mod statements;
mod store;
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
            Some(task) => workload::run_child(task).await,
            None => run::run(&flags).await,
        }
    })
}
