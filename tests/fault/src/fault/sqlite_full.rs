//! The disk is full for a while.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use tempfile::TempDir;
use tokio::time::sleep;

use super::{Fault, is_sqlite};
use crate::{
    fixture::{Fixture, Options},
    load::Load,
    outcome::Outcome,
    trial::Trial,
};

/// Room for the tables and for the log, which is checkpointed when it has 16 MiB.
const SIZE: usize = 40 << 20;

pub(super) const FAULT: Fault = Fault {
    name: "sqlite-full",
    about: "the disk is full for a while (on a small file system, which only root can mount)",
    runs_on: |cell| is_sqlite(cell) && rustix::process::geteuid().is_root(),
    short: 2,
    long: 10,
    exclusive: false,
    weight: 1,
    run: |trial| Box::pin(run(trial)),
};

async fn run(trial: Trial) -> Result<Outcome> {
    let mut rng = trial.rng();
    let disk = Disk::mount(&trial.directory)?;
    let trial = Trial { directory: disk.path.clone(), ..trial };
    let fixture = Fixture::open(&trial, Options::default()).await?;
    let load = Load::start(&fixture, &mut rng, 16);
    sleep(Trial::between(&mut rng, 100, 400)).await;
    let ballast = disk.path.join("ballast");
    if trial.variant(2) == 0 {
        sequentially(&fixture, load, &ballast).await?;
    } else {
        fill(&ballast);
        sleep(Trial::between(&mut rng, 500, 1_500)).await;
        fs::remove_file(&ballast)?;
        fixture.recovered();
        fixture.wait_for_recovery().await;
        load.stop().await;
    }
    fixture.finish().await
}

/// Each add reports the cause, and the first one afterwards succeeds.
async fn sequentially(fixture: &Fixture, load: Load, ballast: &Path) -> Result<()> {
    load.stop().await;
    fill(ballast);
    for user in 1..=4 {
        // Several recipients, so that it needs a transaction.
        let item = fixture.history.item(user..=user + 3);
        match fixture.start(&item).await {
            Ok(delivery) => fixture.history.acknowledge(item.number, delivery.delivered),
            Err(error) if error.to_string().contains("full") => {}
            Err(error) => fixture.problem(format!("the error does not name the cause: {error}")),
        }
    }
    fs::remove_file(ballast)?;
    fixture.expect_success();
    for user in 1..=4 {
        _ = fixture.add(&fixture.history.item(user..=user + 3)).await;
    }
    Ok(())
}

/// Fills the disk.
fn fill(ballast: &Path) {
    _ = fs::write(ballast, vec![1; SIZE]);
}

/// A small file system, unmounted when dropped.
struct Disk {
    path: PathBuf,
    _directory: TempDir,
}

impl Disk {
    fn mount(parent: &Path) -> Result<Self> {
        let directory = TempDir::with_prefix_in("disk-", parent)?;
        let path = directory.path().to_owned();
        let size = std::ffi::CString::new(format!("size={SIZE}"))?;
        mount("tmpfs", &path, "tmpfs", MountFlags::empty(), size.as_c_str())
            .context("cannot mount a small file system")?;
        Ok(Self { path, _directory: directory })
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // The library may still have files open.
        _ = unmount(&self.path, UnmountFlags::DETACH);
    }
}
