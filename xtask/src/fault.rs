//! `cargo xtask fault`: breaks servers, connections and callers, and counts what is wrong then.

use std::process::Command;

use anyhow::{Context, Result, bail};
use user_streams_test_servers::process::{Process, Stop, display};

use crate::{flags::Fault, workspace};

/// Builds the trials and runs them. They start the servers themselves, and stop them in the midst
/// of calls.
pub(crate) fn run(flags: &Fault) -> Result<()> {
    // The short form is built as the tests are, so that after them there is little left to compile:
    // beside one of them its dependencies have the same features.
    let (profile, directory) = if flags.long { ("release", "release") } else { ("dev", "debug") };
    let built = workspace::cargo()
        .args(["build", "--workspace", "--exclude=user-streams-bench", "--all-features"])
        .args(["--bin=user-streams-fault", "--test=conformance", "--profile", profile])
        .status()
        .context("cannot run cargo")?;
    if !built.success() {
        bail!("the fault trials did not build");
    }
    let mut command = Command::new(workspace::target()?.join(directory).join("user-streams-fault"));
    command.current_dir(workspace::root());
    for cell in &flags.cells {
        command.args(["--cell", cell]);
    }
    for fault in &flags.faults {
        command.args(["--fault", fault]);
    }
    for (flag, number) in [("--seed", flags.seed), ("--trials", flags.trials)] {
        if let Some(number) = number {
            command.args([flag, &number.to_string()]);
        }
    }
    if flags.long {
        command.arg("--long");
    }
    for mechanism in &flags.without {
        command.args(["--without", mechanism]);
    }
    if let Some(mode) = &flags.pooler {
        command.args(["--pooler", mode]);
    }
    // The page shows everything or nothing.
    if flags.long
        && flags.pooler.is_none()
        && flags.cells.is_empty()
        && flags.faults.is_empty()
        && flags.without.is_empty()
    {
        command.arg("--save").arg(workspace::root().join("docs/faults.md"));
    }
    eprintln!("running `{}`", display(&command));
    let status = Process::spawn(&mut command, Stop::Terminate)?.wait()?;
    if !status.success() {
        bail!("the fault trials failed");
    }
    Ok(())
}
