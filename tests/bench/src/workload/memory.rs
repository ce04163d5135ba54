//! W7: how much a process grows while it broadcasts to a long stream of users, measured in a child
//! process.

use std::{env, fs};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use tokio::process::Command;

use crate::{
    bench::Bench,
    fill,
    measure::Series,
    program,
    report::{Row, thousands},
    store::Store,
};

/// The task of the child.
#[derive(Debug, Serialize, Deserialize)]
struct Task {
    store: Store,
    users: i64,
}

pub(crate) async fn run(bench: &Bench) -> Result<Vec<Row>> {
    let users = bench.pick(1_000_000, 10_000_000);
    if resident("VmRSS").is_err() {
        eprintln!("W7 is skipped: it needs /proc/self/status of Linux");
        return Ok(Vec::new());
    }
    let case = format!("{} streamed ids", thousands(users));
    bench.status(&format!("W7: {case}"));
    let store = bench.create_store("memory").await?;
    let task = serde_json::to_string(&Task { store: store.clone(), users })?;
    let output = Command::new(env::current_exe()?).args(["--child", &task]).output().await?;
    if !output.status.success() {
        bail!("the child failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let kib: f64 = String::from_utf8(output.stdout)?
        .trim()
        .parse()
        .context("the child did not print a number")?;
    bench.remove(&[store]).await?;
    let ours = Series { program: "ours".to_owned(), rounds: vec![kib / 1024.0] };
    Ok(vec![Row::new(case, "MiB of growth", vec![ours]).with_lower_is_better()])
}

/// Prints the maximum growth of the process in KiB.
pub(crate) async fn child(task: &str) -> Result<()> {
    let task: Task = serde_json::from_str(task)?;
    let program = program::ours(&task.store).await?;
    let content = fill::content(100);
    // Connections, prepared statements and code pages do not count.
    program.broadcast_stream(1..=100, &content).await?;
    let before = resident("VmRSS")?;
    program.broadcast_stream(1..=task.users, &content).await?;
    println!("{}", resident("VmHWM")?.saturating_sub(before));
    Ok(())
}

/// A figure of /proc/self/status, in KiB.
fn resident(name: &str) -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line =
        status.lines().find(|line| line.starts_with(name)).with_context(|| format!("no {name}"))?;
    let figure = line.split_whitespace().nth(1).with_context(|| format!("{name} has no figure"))?;
    Ok(figure.parse()?)
}
