//! `cargo xtask bench`: the backends beside programs written by hand on the bare drivers.

use anyhow::{Context, Result, bail};
use user_streams_test_servers::{
    self as servers, Kind, Profile,
    cells::{self, CELLS},
    interrupt, process,
};

use crate::{flags::PassedOn, workspace};

/// Builds the benchmarks, starts the servers with durable settings and runs them.
pub(crate) fn run(flags: &PassedOn) -> Result<()> {
    const PACKAGE: [&str; 3] = ["--release", "-p", "user-streams-bench"];
    let build = process::run(workspace::cargo().arg("build").args(PACKAGE));
    build.context("the benchmarks did not build")?;
    let mut command = workspace::cargo();
    command.args(["run", "--quiet"]).args(PACKAGE).arg("--");
    command.args(flags.arguments.iter().map(|argument| match argument.as_str() {
        "--save" => "--save=docs/benchmarks",
        other => other,
    }));

    let named: Vec<_> = CELLS.iter().filter(|cell| flags.name_cell(cell.name)).copied().collect();
    let mut kinds = cells::servers(if named.is_empty() { CELLS } else { &named });
    // No benchmark uses it.
    kinds.retain(|kind| *kind != Kind::RedisCluster);
    let started = servers::concurrently(&kinds, |kind| servers::provide(kind, Profile::Durable));
    interrupt::check()?;
    for (kind, server) in &started {
        match server {
            Ok(server) => command.env(kind.variable(), &server.url),
            Err(error) => bail!("{error:#}"),
        };
    }
    process::run(&mut command).context("the benchmarks failed")
}
