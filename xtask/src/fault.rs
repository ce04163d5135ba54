//! `cargo xtask fault`: injects faults into servers, connections and callers, and counts failures.
//! `cargo xtask soak` is a mode of the same program.

use std::{path::PathBuf, process::Command};

use anyhow::{Context, Result};
use user_streams_test_servers::process;

use crate::{flags::PassedOn, workspace};

/// Flags with which the table still covers every cell and fault, so that it can be saved.
const COMPLETE: &[&str] = &["--jobs", "--long", "--seed", "--trials"];

/// Builds the trials and runs them. They start the servers themselves, and stop them during calls.
pub(crate) fn run(flags: &PassedOn) -> Result<()> {
    let is_long = flags.arguments.iter().any(|argument| argument == "--long");
    // The short form is built as the tests are, so that after them there is little left to compile.
    let (profile, directory) = if is_long { ("release", "release") } else { ("dev", "debug") };
    let mut command = Command::new(build(profile, directory)?);
    command.current_dir(workspace::root()).args(&flags.arguments);
    let is_complete = |argument: &String| {
        !argument.starts_with('-')
            || argument.split('=').next().is_some_and(|flag| COMPLETE.contains(&flag))
    };
    if is_long && flags.arguments.iter().all(is_complete) {
        command.args(["--save", "docs/faults.md"]);
    }
    eprintln!("running `{}`", process::display(&command));
    process::run(&mut command).context("the fault trials failed")
}

/// Loads every cell for some minutes, and checks that nothing grows.
pub(crate) fn soak(flags: &PassedOn) -> Result<()> {
    let mut command = Command::new(build("dev", "debug")?);
    command.current_dir(workspace::root()).arg("soak").args(&flags.arguments);
    // A shorter one, or one of some cells, is a trial.
    if flags.arguments.iter().all(|argument| !argument.starts_with('-') || argument == "--seed") {
        command.args(["--save", "docs/soak.md"]);
    }
    eprintln!("running `{}`", process::display(&command));
    process::run(&mut command).context("the soak failed")
}

/// Builds the program; returns its path.
fn build(profile: &str, directory: &str) -> Result<PathBuf> {
    let mut build = workspace::cargo();
    // Beside a test its dependencies have the same features.
    build.args(["build", "--workspace", "--exclude=user-streams-bench", "--all-features"]).args([
        "--bin=user-streams-fault",
        "--test=conformance",
        "--profile",
        profile,
    ]);
    process::run(&mut build).context("the fault trials did not build")?;
    Ok(workspace::target()?.join(directory).join("user-streams-fault"))
}
