//! `cargo xtask fuzz`: runs the fuzz targets with many inputs, or guided by coverage.

use std::process::Command;

use anyhow::{Context, Result, bail};
use user_streams_test_servers::process;

use crate::{flags::Fuzz, workspace};

const PACKAGE: &str = "user-streams-fuzz";

/// Builds the targets with optimizations, overflow checks and assertions, and runs them.
pub(crate) fn run(flags: &Fuzz) -> Result<()> {
    let mut build = workspace::cargo();
    build.args(["build", "--package", PACKAGE, "--profile", "fuzz"]);
    process::run(&mut build).context("the fuzz targets did not build")?;
    match &flags.guided {
        Some(target) => guided(target, &flags.arguments),
        None => {
            let mut command = program()?;
            command.args(&flags.arguments);
            eprintln!("running `{}`", process::display(&command));
            process::run(&mut command).context("the fuzz targets failed")
        }
    }
}

fn program() -> Result<Command> {
    let mut command = Command::new(workspace::target()?.join("fuzz").join(PACKAGE));
    command.current_dir(workspace::root());
    Ok(command)
}

/// Runs a target with libFuzzer. What it finds is kept in the build directory, for the next time.
fn guided(target: &str, arguments: &[String]) -> Result<()> {
    let mut version = Command::new("rustup");
    if !workspace::succeeds(version.args(["run", "nightly", "cargo", "fuzz", "--version"])) {
        bail!(
            "this needs a nightly compiler, one of C++, and cargo-fuzz: run `rustup toolchain \
             install nightly --profile minimal` and `cargo install --locked cargo-fuzz`"
        );
    }
    let directory = workspace::target()?.join("libfuzzer");
    let inputs = directory.join("inputs");
    process::run(program()?.arg("--export").arg(&inputs))?;
    let inputs = inputs.join(target);
    let [seeds, corpus, artifacts] = ["seeds", "corpus", "failures"].map(|name| inputs.join(name));
    if !seeds.is_dir() {
        bail!("there is no target {target}: run `cargo xtask fuzz --list`");
    }
    for directory in [&corpus, &artifacts] {
        std::fs::create_dir_all(directory)
            .with_context(|| format!("cannot create {}", directory.display()))?;
    }
    let mut command = Command::new("rustup");
    command
        .args(["run", "nightly", "cargo", "fuzz", "run", "--sanitizer=none"])
        .args(["--fuzz-dir", "tests/fuzz/libfuzzer", "--target-dir"])
        .arg(&directory)
        .arg("any")
        .args([&corpus, &seeds])
        .arg("--")
        .arg(format!("-dict={}", inputs.join("words.dict").display()))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .args(arguments)
        .env("FUZZ_TARGET", target)
        .current_dir(workspace::root());
    // rustup chooses them.
    for name in ["CARGO", "RUSTC", "RUSTUP_TOOLCHAIN"] {
        command.env_remove(name);
    }
    eprintln!("running `{}`", process::display(&command));
    process::run(&mut command).context("libFuzzer failed")
}
