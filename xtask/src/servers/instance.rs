//! A server and its throwaway directory.

use std::{
    fs::{self, File},
    io::{Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, bail};
use tempfile::TempDir;

use super::{Kind, guard::Guard};
use crate::{
    interrupt,
    process::{POLL, Process, Stop},
};

/// How long a server may take until it answers.
const DEADLINE: Duration = Duration::from_secs(60);
/// How many lines of a log an error shows.
const TAIL: usize = 25;

/// A running server. Dropping it stops a throwaway instance and removes its directory.
#[derive(Debug)]
pub(crate) struct Server {
    /// What it is.
    pub(crate) kind: Kind,
    /// Where it listens.
    pub(crate) url: String,
    instance: Option<Instance>,
}

impl Server {
    /// A server that somebody else runs.
    pub(crate) fn external(kind: Kind, url: String) -> Self {
        Self { kind, url, instance: None }
    }

    /// A throwaway server.
    pub(crate) fn throwaway(kind: Kind, url: String, instance: Instance) -> Self {
        Self { kind, url, instance: Some(instance) }
    }

    /// Fails if a throwaway server has ended by itself.
    pub(crate) fn check(&mut self) -> Result<()> {
        let Some(instance) = &mut self.instance else { return Ok(()) };
        instance.check().with_context(|| format!("{} ended", self.kind.title()))
    }
}

/// The processes of a throwaway server, the directory that holds their data and logs, and their end.
#[derive(Debug)]
pub(crate) struct Instance {
    // Dropped in this order: the processes write to the directory, and the guard outlives both.
    processes: Vec<(Process, PathBuf)>,
    directory: TempDir,
    guard: Guard,
}

impl Instance {
    /// An empty directory, and nothing that runs.
    pub(crate) fn new(name: &str) -> Result<Self> {
        let directory = tempfile::Builder::new().prefix(&format!("user-streams-{name}-")).tempdir();
        let directory = directory.context("cannot make a temporary directory")?;
        let guard = Guard::over(directory.path())?;
        Ok(Self { processes: Vec::new(), directory, guard })
    }

    /// The directory.
    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Runs a preparing command to its end; its output is the error if it fails.
    pub(crate) fn prepare(&self, name: &str, command: &mut Command) -> Result<()> {
        let log = self.house(name, command)?;
        let status = Process::spawn(command, Stop::Kill)?.wait()?;
        if !status.success() {
            bail!("{name} failed ({status})\n{}", tail(&log));
        }
        Ok(())
    }

    /// Starts a server process.
    pub(crate) fn spawn(&mut self, name: &str, command: &mut Command, stop: Stop) -> Result<()> {
        let log = self.house(name, command)?;
        let process = Process::spawn(command, stop)?;
        let watched = self.guard.add(&process);
        self.processes.push((process, log));
        watched
    }

    /// Waits until the condition holds. An error of the condition means "not yet"; the last one is shown in the end.
    pub(crate) fn wait_until(&mut self, what: &str, mut ready: impl FnMut() -> Result<()>) -> Result<()> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let state = ready();
            interrupt::check()?;
            self.check()?;
            let Err(not_yet) = state else { return Ok(()) };
            if Instant::now() > deadline {
                let logs: Vec<_> = self.processes.iter().map(|(_, log)| tail(log)).collect();
                let error = anyhow!("{}", logs.join("\n")).context(format!("{not_yet:#}"));
                return Err(error.context(format!("{what} took over {} s", DEADLINE.as_secs())));
            }
            thread::sleep(POLL);
        }
    }

    /// Fails, with the tail of its log, if a process has ended.
    fn check(&mut self) -> Result<()> {
        for (process, log) in &mut self.processes {
            if let Some(status) = process.exit_status()? {
                bail!("the server ended by itself ({status})\n{}", tail(log));
            }
        }
        Ok(())
    }

    /// Keeps all that the command writes in the directory, its output in a log.
    fn house(&self, name: &str, command: &mut Command) -> Result<PathBuf> {
        let path = self.path().join(format!("{name}.log"));
        let log = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        command.current_dir(self.path()).env("TMPDIR", self.path()).stdout(log.try_clone()?).stderr(log);
        Ok(path)
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // All at once; then the drop of each waits for it, and the directory goes last.
        for (process, _) in &mut self.processes {
            process.ask_to_stop();
        }
    }
}

/// Ports that are free now, each with its `+ offset` twin free too. All are chosen before any is given back.
pub(crate) fn free_ports(count: usize, offset: u16) -> Result<Vec<u16>> {
    let mut held = Vec::new();
    let mut ports = Vec::new();
    while ports.len() < count {
        interrupt::check()?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("cannot find a free port")?;
        let port = listener.local_addr()?.port();
        let twin = match port.checked_add(offset) {
            None => None,
            Some(_) if offset == 0 => Some(None),
            Some(twin) => TcpListener::bind((Ipv4Addr::LOCALHOST, twin)).ok().map(Some),
        };
        if let Some(twin) = twin {
            ports.push(port);
            held.extend(twin);
        }
        held.push(listener);
    }
    Ok(ports)
}

/// One free port.
pub(crate) fn free_port() -> Result<u16> {
    free_ports(1, 0)?.pop().context("cannot find a free port")
}

/// Sends the request to a local port, and answers the first bytes of the reply.
pub(crate) fn exchange(port: u16, request: &[u8]) -> Result<Vec<u8>> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).context("it does not listen")?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    stream.write_all(request)?;
    let mut reply = vec![0; 16 * 1024];
    let length = stream.read(&mut reply).context("it does not answer")?;
    reply.truncate(length);
    Ok(reply)
}

/// The last lines of a log.
fn tail(path: &Path) -> String {
    let text = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_distinct() -> Result<()> {
        let mut ports = free_ports(6, 10_000)?;
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 6);
        assert!(ports.iter().all(|port| port.checked_add(10_000).is_some()));
        Ok(())
    }

    #[test]
    fn a_server_that_ends_shows_its_log_and_leaves_no_directory() -> Result<()> {
        let mut instance = Instance::new("test")?;
        let path = instance.path().to_path_buf();
        instance.spawn(
            "server",
            Command::new("sh").args(["-c", "echo no such option; exit 1"]),
            Stop::Kill,
        )?;
        let error = instance.wait_until("the start", || bail!("not yet")).expect_err("it ended");
        assert!(error.to_string().ends_with("no such option"), "{error}");
        drop(instance);
        assert!(!path.exists());
        Ok(())
    }
}
