//! The disk is full, and then it is not.

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
    load::Load,
    stage::{Options, Stage},
    tally::Tally,
    trial::Trial,
};

/// Room for the tables and for the whole of the log, which is copied into them when it has 16 MiB.
const SIZE: usize = 40 << 20;

pub(super) const FAULT: Fault = Fault {
    name: "sqlite-full",
    about: "the disk is full for a while (a small file system of its own: for root alone)",
    runs_on: |cell| is_sqlite(cell) && rustix::process::geteuid().is_root(),
    short: 2,
    long: 10,
    alone: false,
    weight: 1,
    run: |trial| Box::pin(run(trial)),
};

async fn run(trial: Trial) -> Result<Tally> {
    let mut rng = trial.rng();
    let disk = Disk::mount(&trial.directory)?;
    let trial = Trial { directory: disk.path.clone(), ..trial };
    let stage = Stage::open(&trial, Options::default()).await?;
    let load = Load::start(&stage, &mut rng, 16);
    sleep(Trial::between(&mut rng, 100, 400)).await;
    let ballast = disk.path.join("ballast");
    if trial.variant(2) == 0 {
        one_by_one(&stage, load, &ballast).await?;
    } else {
        fill(&ballast);
        sleep(Trial::between(&mut rng, 500, 1_500)).await;
        fs::remove_file(&ballast)?;
        stage.recovered();
        stage.wait_for_recovery().await;
        load.stop().await;
    }
    stage.finish().await
}

/// Each add says what is wrong, and the first one afterwards is well again.
async fn one_by_one(stage: &Stage, load: Load, ballast: &Path) -> Result<()> {
    load.stop().await;
    fill(ballast);
    for user in 1..=4 {
        // To several: that is a transaction.
        let item = stage.ledger.item(user..=user + 3);
        match stage.start(&item).await {
            Ok(delivery) => stage.ledger.acknowledge(item.number, delivery.delivered),
            Err(error) if error.to_string().contains("full") => {}
            Err(error) => stage.problem(format!("the cause is hidden: {error}")),
        }
    }
    fs::remove_file(ballast)?;
    stage.expect_success();
    for user in 1..=4 {
        _ = stage.add(&stage.ledger.item(user..=user + 3)).await;
    }
    Ok(())
}

/// Takes as much as there is room for.
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
        // The library may have it open for a moment yet.
        _ = unmount(&self.path, UnmountFlags::DETACH);
    }
}
