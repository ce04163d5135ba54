//! A child process, in which memory is measured: this one has grown by then.

use std::{env, fs};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::process::Command;

use crate::store::Store;

/// What the child does.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Task {
    /// A broadcast to a stream of so many users.
    Broadcast { store: Store, users: i64 },
    /// A copy.
    Copy { from: Store, to: Store },
}

/// Runs a task in a child and returns the JSON that it prints.
pub(crate) async fn run<T: DeserializeOwned>(task: &Task) -> Result<T> {
    let task = serde_json::to_string(task)?;
    let output = Command::new(env::current_exe()?).args(["--child", &task]).output().await?;
    if !output.status.success() {
        bail!("the child failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    serde_json::from_slice(&output.stdout).with_context(|| {
        format!("the child did not print a result: {}", String::from_utf8_lossy(&output.stdout))
    })
}

/// Whether this system tells how much memory a process has.
pub(crate) fn can_measure_memory() -> bool {
    resident("VmRSS").is_ok()
}

/// A figure of /proc/self/status, in KiB.
pub(crate) fn resident(name: &str) -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line =
        status.lines().find(|line| line.starts_with(name)).with_context(|| format!("no {name}"))?;
    let figure = line.split_whitespace().nth(1).with_context(|| format!("{name} has no figure"))?;
    Ok(figure.parse()?)
}
