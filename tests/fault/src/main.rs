//! The fault trials: servers, connections and callers are broken on purpose, and what is stored and
//! answered is judged by programs on the bare drivers.
//!
//! `cargo xtask fault` builds and runs this.

mod cell;
mod child;
mod fault;
mod flags;
mod front;
mod judge;
mod ledger;
mod load;
mod mechanism;
mod place;
mod proxy;
mod report;
mod run;
mod stage;
mod tally;
mod trial;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use user_streams_test_servers::interrupt;
// Links the backend that no trial names.
use user_streams_redis as _;

fn main() -> ExitCode {
    let flags = flags::Flags::parse();
    match start(&flags) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(if interrupt::happened() { 130 } else { 2 })
        }
    }
}

/// Whether every trial has passed.
fn start(flags: &flags::Flags) -> Result<bool> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    if let Some(file) = &flags.child {
        runtime.block_on(child::run(file))?;
        return Ok(true);
    }
    interrupt::listen()?;
    // A panic is a finding, told with its trial.
    std::panic::set_hook(Box::new(|_| {}));
    mechanism::take_out(&flags.without)?;
    let passed = runtime.block_on(run::run(flags));
    // A call that never ends must not keep the process.
    runtime.shutdown_background();
    passed
}
