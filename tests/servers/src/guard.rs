//! Stops a throwaway server whose owner was killed and could not stop it.

use std::{
    io::Write,
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result};

use crate::process::Process;

/// Reads signals and process ids until its input ends, as it does when the owner exits for any
/// reason; then sends each process its signal. `GONE` removes a process. A stopped process receives
/// nothing before `CONT`.
const SCRIPT: &str = r#"
watched=
while read -r signal pid; do
    kept=
    for entry in $watched; do [ "${entry#*:}" = "$pid" ] || kept="$kept $entry"; done
    watched=$kept
    [ "$signal" = GONE ] || watched="$watched $signal:$pid"
done
for entry in $watched; do kill -"${entry%%:*}" "${entry#*:}"; kill -CONT "${entry#*:}"; done
for entry in $watched; do
    [ "${entry%%:*}" = CONT ] && continue
    pid=${entry#*:}
    tries=50
    while kill -0 "$pid" && [ "$tries" -gt 0 ]; do sleep 0.1; tries=$((tries - 1)); done
    kill -KILL "$pid"
done
rm -rf "$1"
"#;

/// A waiting shell. Dropping it, after the processes have been stopped in order, ends it.
#[derive(Debug)]
pub(crate) struct Guard(Child);

impl Guard {
    /// Watches over the directory.
    pub(crate) fn over(directory: &Path) -> Result<Self> {
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT, "guard"]).arg(directory).current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Self(Process::in_own_group(&mut command)?))
    }

    /// Watches over this process too.
    pub(crate) fn add(&mut self, process: &Process) -> Result<()> {
        self.send(process.stop().name(), process.id())
    }

    /// Has this process, which is about to be stopped, continue in the end.
    pub(crate) fn resume(&mut self, pid: u32) -> Result<()> {
        self.send("CONT", pid)
    }

    /// Removes a process: its id may be reused.
    pub(crate) fn remove(&mut self, pid: u32) -> Result<()> {
        self.send("GONE", pid)
    }

    fn send(&mut self, signal: &str, pid: u32) -> Result<()> {
        let stdin = self.0.stdin.as_mut().context("the guard has no input")?;
        writeln!(stdin, "{signal} {pid}").context("the guard has exited")
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // Before its input ends. It may have exited already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Stop;

    #[test]
    fn the_end_of_the_input_ends_the_processes_and_removes_the_directory() -> Result<()> {
        let directory = tempfile::tempdir()?;
        let mut process = Process::spawn(Command::new("sleep").arg("600"), Stop::Kill)?;
        let mut guard = Guard::over(directory.path())?;
        guard.add(&process)?;
        let mut spared = Process::spawn(Command::new("sleep").arg("600"), Stop::Kill)?;
        guard.add(&spared)?;
        guard.remove(spared.id())?;
        drop(guard.0.stdin.take());
        assert!(!process.wait()?.success());
        guard.0.wait()?;
        assert!(!directory.path().exists());
        assert!(spared.exit_status()?.is_none());
        Ok(())
    }
}
