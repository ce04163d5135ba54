//! Child processes that never outlive their owner.
//!
//! Each child leads a process group of its own: a terminal's Ctrl-C reaches us alone, and we stop
//! the children in order.

use std::{
    os::unix::process::CommandExt,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::interrupt;

/// How long a loop that waits sleeps between two checks.
pub const POLL: Duration = Duration::from_millis(20);
/// How long a child may take to stop before it is killed.
const PATIENCE: Duration = Duration::from_secs(10);

/// How a child is asked to stop.
#[derive(Clone, Copy, Debug)]
pub enum Stop {
    /// SIGTERM to the whole group: cargo and what it runs.
    Terminate,
    /// SIGQUIT to the leader, which stops its own children: PostgreSQL's immediate shutdown.
    Quit,
    /// SIGKILL to the whole group: a server whose data is thrown away.
    Kill,
}

impl Stop {
    /// The signal, as a shell's `kill` names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Terminate => "TERM",
            Self::Quit => "QUIT",
            Self::Kill => "KILL",
        }
    }
}

/// A running child, stopped on drop.
#[derive(Debug)]
pub struct Process {
    child: Child,
    stop: Stop,
}

impl Process {
    /// Starts the command with no standard input.
    pub fn spawn(command: &mut Command, stop: Stop) -> Result<Self> {
        let child = Self::in_own_group(command.stdin(Stdio::null()))?;
        Ok(Self { child, stop })
    }

    /// Starts the command in a process group of its own.
    pub fn in_own_group(command: &mut Command) -> Result<Child> {
        interrupt::check()?;
        let child = command.process_group(0).spawn();
        child.with_context(|| format!("cannot run `{}`", command.get_program().display()))
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it is asked to stop.
    pub fn stop(&self) -> Stop {
        self.stop
    }

    /// The exit status, if the child has ended.
    pub fn exit_status(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Waits for the end of the child, or fails when we are interrupted.
    pub fn wait(&mut self) -> Result<ExitStatus> {
        loop {
            if let Some(status) = self.exit_status()? {
                return Ok(status);
            }
            interrupt::check()?;
            thread::sleep(POLL);
        }
    }

    /// Sends the signal to the child alone.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        kill_process(Pid::from_child(&self.child), signal).context("there is no such process")
    }

    /// Asks the child to stop, without waiting: several can stop at once before each is dropped.
    pub fn ask_to_stop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let pid = Pid::from_child(&self.child);
            // It may have ended meanwhile.
            let _ = match self.stop {
                Stop::Terminate => kill_process_group(pid, Signal::TERM),
                Stop::Quit => kill_process(pid, Signal::QUIT),
                Stop::Kill => kill_process_group(pid, Signal::KILL),
            };
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        self.ask_to_stop();
        let deadline = Instant::now() + PATIENCE;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
            thread::sleep(POLL);
        }
        // What is left of its group, and the child itself if it did not stop.
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        let _ = self.child.wait();
    }
}

/// Sends a signal to a process that may have ended.
pub(crate) fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

/// Whether a process runs; a zombie does not.
pub(crate) fn is_alive(pid: u32) -> bool {
    let state = Command::new("ps").args(["-o", "stat=", "-p", &pid.to_string()]).output();
    state.is_ok_and(|output| !output.stdout.is_empty() && !output.stdout.starts_with(b"Z"))
}

/// The descendants of a process. Its process group does not contain them all: PostgreSQL's children
/// leave it.
pub(crate) fn descendants(pid: u32) -> Result<Vec<u32>> {
    let output = Command::new("ps").args(["-A", "-o", "pid=", "-o", "ppid="]).output();
    let output = output.context("cannot run `ps`")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let pairs: Vec<(u32, u32)> = text
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace().map(str::parse);
            Some((words.next()?.ok()?, words.next()?.ok()?))
        })
        .collect();
    let mut found = vec![pid];
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        found.extend(pairs.iter().filter(|(_, of)| *of == parent).map(|(child, _)| *child));
        next += 1;
    }
    found.remove(0);
    Ok(found)
}

/// Runs a command, and fails if it does.
pub fn run(command: &mut Command) -> Result<()> {
    let status = Process::spawn(command, Stop::Terminate)?.wait()?;
    if !status.success() {
        bail!("{status}");
    }
    Ok(())
}

/// The command as a line for a shell.
pub fn display(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| quote(&word.to_string_lossy())).collect::<Vec<_>>().join(" ")
}

/// The word, in quotes where a shell needs them.
pub fn quote(word: &str) -> String {
    // Only a zero byte cannot be quoted, and no argument or variable can have one.
    shlex::try_quote(word).unwrap_or_default().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_process_takes_its_group_along() -> Result<()> {
        let directory = tempfile::tempdir()?;
        let pid_file = directory.path().join("pid");
        let script =
            format!("sleep 600 & echo $! > {}.new; mv {0}.new {0}; wait", pid_file.display());
        let process = Process::spawn(Command::new("sh").args(["-c", &script]), Stop::Terminate)?;
        while !pid_file.exists() {
            thread::sleep(POLL);
        }
        let grandchild: u32 = std::fs::read_to_string(&pid_file)?.trim().parse()?;
        drop(process);
        let deadline = Instant::now() + PATIENCE;
        while is_alive(grandchild) {
            assert!(Instant::now() < deadline, "process {grandchild} still runs");
            thread::sleep(POLL);
        }
        Ok(())
    }

    #[test]
    fn a_failing_command_reports_its_status() {
        let error = run(Command::new("sh").args(["-c", "exit 3"])).expect_err("it failed");
        assert_eq!(error.to_string(), "exit status: 3");
    }

    #[test]
    fn a_command_is_shown_as_a_line_for_a_shell() {
        assert_eq!(
            display(Command::new("sh").args(["-c", "echo it's", ""])),
            r#"sh -c "echo it's" ''"#
        );
    }
}
