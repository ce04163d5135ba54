//! The end of a throwaway server whose owner was killed outright, and had no chance to stop it.

use std::{
    io::Write,
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result};

use crate::process::Process;

/// Reads signals and process ids until its input ends, as it does when the owner dies in whatever way; then ends all.
const SCRIPT: &str = r#"
pids= kills=
while read -r signal pid; do pids="$pids $pid" kills="$kills kill -$signal $pid;"; done
eval "$kills"
for pid in $pids; do
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
        let stdin = self.0.stdin.as_mut().context("the guard takes no input")?;
        writeln!(stdin, "{} {}", process.stop().name(), process.id()).context("the guard has gone")
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
        drop(guard.0.stdin.take());
        assert!(!process.wait()?.success());
        guard.0.wait()?;
        assert!(!directory.path().exists());
        Ok(())
    }
}
