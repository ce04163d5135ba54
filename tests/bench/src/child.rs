//! A child process, in which memory is measured: this one has grown by then.

use std::{env, fs, process::Stdio};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::store::Store;

/// What the child does.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Task {
    /// A broadcast to a stream of so many users.
    Broadcast { store: Store, users: i64 },
    /// A copy.
    Copy { from: Store, to: Store },
    /// The rounds that a program in another language asks for.
    Peer { store: Store },
    /// So many subscribers, and adds for so many seconds.
    Subscribe { store: Store, number: usize, seconds: u64 },
    /// A web server, until its input ends. Answers are fresh for so many seconds.
    Serve { store: Store, audiences: bool, fresh_for: u64 },
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

/// A child that goes on beside this process, until it is dropped.
pub(crate) struct Running {
    pub(crate) child: Child,
    /// The first line that it has printed.
    pub(crate) line: String,
}

/// Starts a task in a child, and waits for its first line.
pub(crate) async fn start(task: &Task) -> Result<Running> {
    let task = serde_json::to_string(task)?;
    let mut child = Command::new(env::current_exe()?)
        .args(["--child", &task])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let output = child.stdout.take().context("the child has no output")?;
    let line = BufReader::new(output).lines().next_line().await?;
    Ok(Running { child, line: line.context("the child has ended at once")? })
}

/// Whether this system tells how much memory a process has.
pub(crate) fn can_measure_memory() -> bool {
    resident("VmRSS").is_ok()
}

/// A figure of /proc/self/status, in KiB.
pub(crate) fn resident(name: &str) -> Result<u64> {
    resident_of("self", name)
}

/// The same of another process.
pub(crate) fn resident_of(process: &str, name: &str) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line =
        status.lines().find(|line| line.starts_with(name)).with_context(|| format!("no {name}"))?;
    let figure = line.split_whitespace().nth(1).with_context(|| format!("{name} has no figure"))?;
    Ok(figure.parse()?)
}
