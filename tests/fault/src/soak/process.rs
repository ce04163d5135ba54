//! A cell's process, and what Linux says about it.

use std::{env, fs, path::Path, process::Stdio};

use anyhow::{Context, Result};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

/// A running process, killed when dropped.
pub(super) struct Process {
    child: Child,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

/// What it uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Usage {
    /// Its resident memory, in KiB.
    pub(super) resident: usize,
    pub(super) descriptors: usize,
    pub(super) threads: usize,
}

impl Process {
    /// Starts it with the task in this file.
    pub(super) fn start(task: &Path) -> Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        command.args(["soak", "--child"]).arg(task).kill_on_drop(true);
        // Else glibc makes an arena for each thread, which are many, and memory grows for minutes
        // until each has been through the same.
        command.env("MALLOC_ARENA_MAX", "2");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let stdin = child.stdin.take().context("the process has no input")?;
        let stdout = child.stdout.take().context("the process has no output")?;
        Ok(Self { child, stdin, lines: BufReader::new(stdout).lines() })
    }

    /// Waits for its next line.
    pub(super) async fn line(&mut self) -> Result<String> {
        self.lines.next_line().await?.context("the process ended early")
    }

    /// Lets it go on to its next stage.
    pub(super) async fn go_on(&mut self) -> Result<()> {
        Ok(self.stdin.write_all(b"\n").await?)
    }

    pub(super) fn usage(&self) -> Result<Usage> {
        usage(self.child.id().context("the process has ended")?)
    }
}

/// What a process uses; Linux alone has these files.
fn usage(id: u32) -> Result<Usage> {
    let directory = Path::new("/proc").join(id.to_string());
    let status = fs::read_to_string(directory.join("status")).context("cannot read /proc")?;
    let number = |name: &str| {
        let value =
            status.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next());
        let value = value.with_context(|| format!("no `{name}` in /proc"))?;
        anyhow::Ok(value.parse()?)
    };
    Ok(Usage {
        resident: number("VmRSS:")?,
        descriptors: fs::read_dir(directory.join("fd"))?.count(),
        threads: number("Threads:")?,
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process;

    use super::*;

    #[test]
    fn an_open_file_and_a_megabyte_are_seen() -> Result<()> {
        let before = usage(process::id())?;
        let (file, memory) = (fs::File::open("/proc/self/status")?, vec![1_u8; 64 << 20]);
        let after = usage(process::id())?;
        drop((file, memory));
        assert!(after.descriptors > before.descriptors, "{before:?} {after:?}");
        assert!(after.resident > before.resident + (48 << 10), "{before:?} {after:?}");
        assert!(after.threads > 0);
        Ok(())
    }
}
