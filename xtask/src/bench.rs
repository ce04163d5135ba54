//! `cargo xtask bench`: every workload beside hand-written programs on the bare drivers.

use anyhow::{Context, Result, bail};
use user_streams_test_servers::{
    self as servers, Profile, interrupt,
    process::{Process, Stop, display},
};

use crate::{
    cells::{self, CELLS},
    flags::Bench,
    workspace,
};

/// The cells without a baseline: nothing to compare with, or nothing that `redis` does not show.
const LEFT_OUT: &[&str] = &["memory", "redis-shared-content", "redis-cluster"];

/// Starts the servers with durable settings, builds the benchmarks and runs them.
pub(crate) fn run(flags: &Bench) -> Result<()> {
    let asked = if flags.cells.is_empty() {
        CELLS.iter().copied().filter(|cell| !LEFT_OUT.contains(&cell.name)).collect()
    } else {
        cells::named(&flags.cells)?
    };
    if let Some(cell) = asked.iter().find(|cell| LEFT_OUT.contains(&cell.name)) {
        bail!("there is no benchmark of {}", cell.name);
    }
    let target = workspace::cargo()
        .args(["build", "--release", "-p", "user-streams-bench"])
        .status()
        .context("cannot run cargo")?;
    if !target.success() {
        bail!("the benchmarks did not build");
    }

    let kinds = cells::servers(&asked);
    let mut running = Vec::new();
    let mut errors = Vec::new();
    for (_, server) in
        servers::concurrently(&kinds, |kind| servers::provide(kind, Profile::Durable))
    {
        match server {
            Ok(server) => running.push(server),
            Err(error) => errors.push(format!("{error:#}")),
        }
    }
    interrupt::check()?;
    if !errors.is_empty() {
        bail!("{}", errors.join("\n"));
    }

    let mut command = workspace::cargo();
    command.args(["run", "--quiet", "--release", "-p", "user-streams-bench", "--"]);
    for cell in &asked {
        command.args(["--cell", cell.name]);
    }
    for workload in &flags.workloads {
        command.args(["--workload", workload]);
    }
    if flags.quick {
        command.arg("--quick");
    }
    if let Some(file) = &flags.json {
        command.arg("--json").arg(file);
    }
    if flags.save {
        command.arg("--save").arg(workspace::root().join("docs/benchmarks"));
    }
    for server in &running {
        command.env(server.kind.variable(), &server.url);
    }
    eprintln!("running `{}`", display(&command));
    let status = Process::spawn(&mut command, Stop::Terminate)?.wait()?;
    if !status.success() {
        bail!("the benchmarks failed");
    }
    Ok(())
}
