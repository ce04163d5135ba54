//! `cargo xtask release`: the published crates, packaged and verified in the order of their
//! dependencies.

use anyhow::{Context, Result, bail};
use user_streams_test_servers::process;

use crate::{
    flags::Release,
    workspace::{self, succeeds},
};

/// Packages every published crate and builds what was packaged. Cargo gives the crates to each
/// other through a temporary registry, so that none has to be published before.
pub(crate) fn run(flags: &Release) -> Result<()> {
    if !flags.dry_run {
        bail!("nothing is published from here: after `--dry-run`, run `cargo publish --workspace`");
    }
    let mut publish = workspace::cargo();
    publish.args(["publish", "--workspace", "--dry-run"]);
    if flags.allow_dirty {
        publish.arg("--allow-dirty");
    }
    process::run(&mut publish).context("the crates cannot be published")?;
    semver()
}

/// Compares the public API with the last release, once there is one and where the tool is
/// installed.
fn semver() -> Result<()> {
    let packages = workspace::packages()?;
    let names = packages
        .iter()
        .filter(|package| workspace::is_published(package))
        .filter_map(|package| package["name"].as_str());
    let is_released = |name: &&str| {
        succeeds(workspace::cargo().args(["info", "--registry=crates-io", "--quiet", name]))
    };
    let released: Vec<_> = names.filter(is_released).collect();
    if released.is_empty() {
        println!("no crate has been published, so there is no API to compare with");
    } else if succeeds(workspace::cargo().args(["semver-checks", "--version"])) {
        let mut check = workspace::cargo();
        check.arg("semver-checks").args(released.iter().flat_map(|name| ["--package", name]));
        process::run(&mut check).context("the version does not allow for these changes")?;
    } else {
        println!("the API is not compared: run `cargo install --locked cargo-semver-checks`");
    }
    Ok(())
}
