//! A server and its throwaway directory.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, bail};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::{
    guard::Guard,
    interrupt,
    process::{POLL, Process, Stop, descendants, is_alive, signal},
};

/// How long a server may take until it answers.
const DEADLINE: Duration = Duration::from_secs(60);
/// How many lines of a log an error shows.
const TAIL: usize = 25;

/// One process of a throwaway server, and how it is started again.
#[derive(Debug)]
struct Member {
    process: Process,
    command: Command,
    log: PathBuf,
    port: u16,
    ready: fn(u16) -> Result<()>,
    /// Whether we stopped it, and it may be started again.
    is_down: bool,
}

/// The processes of a throwaway server, and the directory with their data and logs; dropping it
/// stops them and removes the directory.
#[derive(Debug)]
pub(crate) struct Instance {
    // Dropped in this order: the processes write to the directory, and the guard outlives both.
    members: Vec<Member>,
    directory: TempDir,
    guard: Guard,
    /// The processes that are stopped by a signal.
    paused: Vec<u32>,
}

impl Instance {
    /// An empty directory without processes.
    pub(crate) fn new(name: &str) -> Result<Self> {
        let directory = tempfile::Builder::new().prefix(&format!("user-streams-{name}-")).tempdir();
        let directory = directory.context("cannot make a temporary directory")?;
        let guard = Guard::over(directory.path())?;
        Ok(Self { members: Vec::new(), directory, guard, paused: Vec::new() })
    }

    /// The directory.
    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Runs a preparing command to its end; its output is the error if it fails.
    pub(crate) fn prepare(&self, name: &str, command: &mut Command) -> Result<()> {
        let log = self.confine(name, command)?;
        let status = Process::spawn(command, Stop::Kill)?.wait()?;
        if !status.success() {
            bail!("{name} failed ({status})\n{}", tail(&log));
        }
        Ok(())
    }

    /// Starts a server process that listens at this port, and waits until it is ready.
    pub(crate) fn spawn(
        &mut self,
        name: &str,
        mut command: Command,
        stop: Stop,
        port: u16,
        ready: fn(u16) -> Result<()>,
    ) -> Result<()> {
        let log = self.confine(name, &mut command)?;
        let process = Process::spawn(&mut command, stop)?;
        let watched = self.guard.add(&process);
        self.members.push(Member { process, command, log, port, ready, is_down: false });
        watched?;
        self.wait_until("the start", || ready(port))
    }

    /// How many processes were started.
    pub(crate) fn nodes(&self) -> usize {
        self.members.len()
    }

    /// The ports of the processes.
    pub(crate) fn ports(&self) -> Vec<u16> {
        self.members.iter().map(|member| member.port).collect()
    }

    /// Kills a process and all its children.
    pub(crate) fn kill(&mut self, node: usize) -> Result<()> {
        let member = self.members.get_mut(node).context("no such process")?;
        // Stopped first, so that it starts no further children meanwhile.
        member.process.signal(Signal::STOP)?;
        let children = descendants(member.process.id())?;
        member.process.signal(Signal::KILL)?;
        for &child in &children {
            signal(child, Signal::KILL);
        }
        member.process.wait()?;
        self.down(node)?;
        // A server does not start while children of the previous one hold its shared memory.
        self.wait_until("the end of its children", || {
            match children.iter().any(|&child| is_alive(child)) {
                true => bail!("a child is still alive"),
                false => Ok(()),
            }
        })
    }

    /// Shuts a process down with this signal, and waits for it.
    pub(crate) fn terminate(&mut self, node: usize, by: Signal) -> Result<()> {
        let member = self.members.get_mut(node).context("no such process")?;
        member.process.signal(by)?;
        member.process.wait()?;
        self.down(node)
    }

    fn down(&mut self, node: usize) -> Result<()> {
        self.members[node].is_down = true;
        self.guard.remove(self.members[node].process.id())
    }

    /// Starts stopped processes again, on the same ports and data, and waits until they are ready.
    pub(crate) fn restart(&mut self) -> Result<()> {
        let mut started = Vec::new();
        for member in self.members.iter_mut().filter(|member| member.is_down) {
            member.process = Process::spawn(&mut member.command, member.process.stop())?;
            member.is_down = false;
            self.guard.add(&member.process)?;
            started.push((member.port, member.ready));
        }
        for (port, ready) in started {
            self.wait_until("the restart", || ready(port))?;
        }
        Ok(())
    }

    /// Pauses a process and its children: connections stay open, and nothing is answered.
    pub(crate) fn pause(&mut self, node: usize) -> Result<()> {
        let member = self.members.get(node).context("no such process")?;
        member.process.signal(Signal::STOP)?;
        let leader = member.process.id();
        self.paused.push(leader);
        for child in descendants(leader)? {
            self.guard.resume(child)?;
            signal(child, Signal::STOP);
            self.paused.push(child);
        }
        Ok(())
    }

    /// Continues what was paused.
    pub(crate) fn resume(&mut self) -> Result<()> {
        let leaders: Vec<_> = self.members.iter().map(|member| member.process.id()).collect();
        for pid in std::mem::take(&mut self.paused) {
            signal(pid, Signal::CONT);
            if !leaders.contains(&pid) {
                self.guard.remove(pid)?;
            }
        }
        Ok(())
    }

    /// Waits until the condition holds. An error of the condition means "not yet"; the last one is
    /// shown in the end.
    pub(crate) fn wait_until(
        &mut self,
        what: &str,
        mut ready: impl FnMut() -> Result<()>,
    ) -> Result<()> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let state = ready();
            interrupt::check()?;
            self.check()?;
            let Err(not_yet) = state else { return Ok(()) };
            if Instant::now() > deadline {
                let logs: Vec<_> = self.members.iter().map(|member| tail(&member.log)).collect();
                let error = anyhow!("{}", logs.join("\n")).context(format!("{not_yet:#}"));
                return Err(error.context(format!("{what} took over {} s", DEADLINE.as_secs())));
            }
            thread::sleep(POLL);
        }
    }

    /// Fails, with the tail of its log, if a process has ended by itself.
    pub(crate) fn check(&mut self) -> Result<()> {
        for member in self.members.iter_mut().filter(|member| !member.is_down) {
            if let Some(status) = member.process.exit_status()? {
                bail!("the server ended by itself ({status})\n{}", tail(&member.log));
            }
        }
        Ok(())
    }

    /// Has the command write to the directory alone, and its output to a log there.
    fn confine(&self, name: &str, command: &mut Command) -> Result<PathBuf> {
        let path = self.path().join(format!("{name}.log"));
        let log =
            File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        command
            .current_dir(self.path())
            .env("TMPDIR", self.path())
            .stdout(log.try_clone()?)
            .stderr(log);
        Ok(path)
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // A paused process would not receive the signal.
        let _ = self.resume();
        // All at once; the drop of each waits for it, and the directory is removed last.
        for member in &mut self.members {
            member.process.ask_to_stop();
        }
    }
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
    fn a_killed_process_starts_again_and_a_paused_one_goes_on() -> Result<()> {
        let mut instance = Instance::new("test")?;
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 600 & wait"]);
        instance.spawn("server", command, Stop::Kill, 0, |_| Ok(()))?;
        let first = instance.members[0].process.id();
        instance
            .wait_until("a child", || descendants(first)?.first().context("none").map(|_| ()))?;
        let children = descendants(first)?;
        instance.pause(0)?;
        instance.resume()?;
        instance.kill(0)?;
        assert!(children.iter().all(|&child| !is_alive(child)));
        instance.check()?;
        instance.restart()?;
        assert_ne!(instance.members[0].process.id(), first);
        instance.check()
    }

    #[test]
    fn a_server_that_ends_shows_its_log_and_leaves_no_directory() -> Result<()> {
        let mut instance = Instance::new("test")?;
        let path = instance.path().to_path_buf();
        let mut command = Command::new("sh");
        command.args(["-c", "echo no such option; exit 1"]);
        let started = instance.spawn("server", command, Stop::Kill, 0, |_| bail!("not yet"));
        let error = started.expect_err("it ended");
        assert!(error.to_string().ends_with("no such option"), "{error}");
        drop(instance);
        assert!(!path.exists());
        Ok(())
    }
}
