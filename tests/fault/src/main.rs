//! Fault trials: servers, connections and callers fail on purpose while tasks add and read; then
//! what is stored and what was answered is checked through independent clients on the bare drivers.
//!
//! `cargo xtask fault` builds and runs this.

mod child;
mod cuts;
mod fault;
mod fixture;
mod flags;
mod history;
mod inboxes;
mod inspector;
mod load;
mod mechanism;
mod outcome;
mod panic;
mod partly;
mod pgbouncer;
mod posts;
mod proxy;
mod report;
mod run;
mod site;
mod slots;
mod soak;
mod store;
mod subscribers;
mod sync;
mod trial;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use flags::{Flags, Mode};
use user_streams_test_servers::interrupt;
// Links the backend that no trial names.
use user_streams_redis as _;

fn main() -> ExitCode {
    let flags = Flags::parse();
    match start(&flags) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(if interrupt::happened() { 130 } else { 2 })
        }
    }
}

/// Whether every trial, or the soak, passed.
fn start(flags: &Flags) -> Result<bool> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    if let Some(file) = &flags.child {
        runtime.block_on(child::run(file))?;
        return Ok(true);
    }
    if let Some(Mode::Soak(soak)) = &flags.mode {
        if let Some(file) = &soak.child {
            runtime.block_on(soak::run_child(file))?;
            return Ok(true);
        }
        interrupt::listen()?;
        return runtime.block_on(soak::run(soak));
    }
    interrupt::listen()?;
    // A panic fails its trial, which reports it.
    std::panic::set_hook(Box::new(|_| {}));
    mechanism::disable(&flags.without)?;
    let passed = runtime.block_on(run::run(flags));
    // A call that never returns must not keep the process alive.
    runtime.shutdown_background();
    passed
}
