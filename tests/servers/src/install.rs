//! Installing servers with the system's package manager.

use anyhow::{Context, Result, bail};

use crate::{Kind, Source, interrupt, missing, package::Manager, pgbouncer, source};

/// Installs those of the servers that are missing, and the pooler that PostgreSQL is tested behind.
pub fn install(kinds: &[Kind]) -> Result<()> {
    let with_pooler = kinds.contains(&Kind::Postgres) && !pgbouncer::is_installed();
    let kinds: Vec<_> =
        kinds.iter().copied().filter(|&kind| source(kind) == Source::Missing).collect();
    if kinds.is_empty() && !with_pooler {
        return Ok(());
    }
    let manager = Manager::here()
        .context("cannot install servers: none of apt-get, dnf and brew is installed")?;
    let mut packages: Vec<_> = kinds.iter().map(|&kind| manager.package(kind)).collect();
    packages.dedup();
    packages.extend(with_pooler.then_some(pgbouncer::PROGRAM));
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
    match kinds.iter().find(|&&kind| source(kind) == Source::Missing) {
        Some(&kind) => bail!("after the installation: {}", missing(kind)),
        None => Ok(()),
    }
}
