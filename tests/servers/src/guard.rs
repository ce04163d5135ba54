//! The end of a throwaway server whose owner was killed outright, and had no chance to stop it.

use std::{
    io::Write,
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result};

use crate::process::Process;

/// Reads signals and process ids until its input ends, as it does when the owner dies in whatever
/// way; then ends all. `GONE` takes a process out again. A stopped process hears nothing but
/// `CONT`.
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

/// A waiting shell. Dropping it, after the processes have been stopped in order, ends the watch.
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
        self.tell(process.stop().name(), process.id())
    }

    /// Lets this process, which is about to be stopped, go on in the end.
    pub(crate) fn resume(&mut self, pid: u32) -> Result<()> {
        self.tell("CONT", pid)
    }

    /// Forgets a process: its id may soon be that of another.
    pub(crate) fn remove(&mut self, pid: u32) -> Result<()> {
        self.tell("GONE", pid)
    }

    fn tell(&mut self, signal: &str, pid: u32) -> Result<()> {
        let stdin = self.0.stdin.as_mut().context("the guard takes no input")?;
        writeln!(stdin, "{signal} {pid}").context("the guard has gone")
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // Before its input ends. If it has gone already, there is nothing to do.
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
