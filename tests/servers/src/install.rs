//! Installing servers and tools with the system's package manager.

use anyhow::{Context, Result, bail};

use crate::{
    Kind, Source, Tool, interrupt, missing, missing_tool, package::Manager, pgbouncer, source,
};

/// Installs those of the servers and tools that are missing, and the pooler that PostgreSQL is
/// tested behind.
pub fn install(kinds: &[Kind], tools: &[Tool]) -> Result<()> {
    let with_pooler = kinds.contains(&Kind::Postgres) && !pgbouncer::is_installed();
    let kinds: Vec<_> =
        kinds.iter().copied().filter(|&kind| source(kind) == Source::Missing).collect();
    let tools: Vec<_> = tools.iter().copied().filter(|tool| tool.find().is_none()).collect();
    if kinds.is_empty() && tools.is_empty() && !with_pooler {
        return Ok(());
    }
    let manager = Manager::here()
        .context("cannot install anything: none of apt-get, dnf and brew is installed")?;
    let mut packages: Vec<_> = kinds.iter().map(|&kind| manager.package(kind)).collect();
    packages.dedup();
    packages.extend(with_pooler.then_some(pgbouncer::PROGRAM));
    packages.extend(tools.iter().map(|&tool| manager.package_of_tool(tool)));
    eprintln!("installing {}", packages.join(", "));
    // In the terminal's own process group: sudo may have to ask for a password.
    let mut command = manager.command(&packages);
    let status = command
        .status()
        .with_context(|| format!("cannot run `{}`", command.get_program().display()))?;
    interrupt::check()?;
    if !status.success() {
        bail!("`{} install {}` failed ({status})", manager.program(), packages.join(" "));
    }
    let kinds = kinds.iter().filter(|&&kind| source(kind) == Source::Missing);
    let tools = tools.iter().filter(|tool| tool.find().is_none());
    let mut missing = kinds.map(|&kind| missing(kind)).chain(tools.map(|&tool| missing_tool(tool)));
    match missing.next() {
        Some(missing) => bail!("after the installation: {missing}"),
        None => Ok(()),
    }
}
