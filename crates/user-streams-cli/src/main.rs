//! The `user-streams` command: see `docs/command.md`.

mod commands;
mod failure;
mod feed;
mod flags;
#[cfg(feature = "import-django")]
mod import_django;
mod interrupt;
mod lines;
mod output;
mod progress;
mod recipients;
mod record;
mod retry;
mod session;
mod settings;
mod sorted;
mod user_ids;

use std::{process::ExitCode, sync::Arc};

use clap::Parser;
use tokio::{
    runtime::Builder,
    time::{Duration, timeout},
};

use failure::{End, Failure};
use flags::Flags;
use session::Session;

/// How long a command that is interrupted may take to notice.
const BLOCKED: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let flags = Flags::parse();
    let runtime = match Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return say(&Failure::failed(format!("cannot start: {error}"))),
    };
    let result = runtime.block_on(run(flags));
    // A thread may still wait for standard input.
    runtime.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => say(&failure),
    }
}

/// Runs a command until it has ended or is interrupted. It is a task of its own, since it blocks
/// where it writes into a pipe.
async fn run(flags: Flags) -> Result<(), Failure> {
    let session = Arc::new(Session::new(flags.settings, flags.quiet));
    let its = Arc::clone(&session);
    let mut task = tokio::spawn(async move { commands::run(flags.command, &its).await });
    let result = tokio::select! {
        ended = &mut task => ended.unwrap_or_else(|error| {
            Err(Failure::failed(format!("the command has panicked, which is a bug: {error}")))
        }),
        signal = interrupt::signal() => {
            // A call that is dropped takes full effect or none.
            task.abort();
            // It ends at its next await, and before its connections do, unless it is blocked.
            let _ = timeout(BLOCKED, &mut task).await;
            Err(session.interrupted(signal))
        }
    };
    session.close().await;
    result
}

fn say(failure: &Failure) -> ExitCode {
    if failure.end != End::Quiet {
        output::remark(format_args!("user-streams: {}", failure.line()));
    }
    failure.end.exit_code()
}
