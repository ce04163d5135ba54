//! Runs the current test in a second process: as another writer, with limited file sizes, or where
//! the process may crash.

use std::{
    env,
    io::Read,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

const VARIABLE: &str = "USER_STREAMS_TEST_CHILD";

/// The directory from the first process, if this is the second one.
pub(crate) fn directory() -> Option<PathBuf> {
    env::var_os(VARIABLE).map(PathBuf::from)
}

/// The second process, which runs the test of this name after the shell command `limit`.
fn command(test: &str, directory: &Path, limit: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{limit}\nexec \"$0\" \"$@\"")]);
    command.arg(env::current_exe().unwrap()).args(["--exact", test, "--test-threads=1"]);
    command.env(VARIABLE, directory).stdin(Stdio::piped());
    command
}

/// Runs it to its end; panics with its output if it fails.
pub(crate) fn run(test: &str, directory: &Path, limit: &str) {
    let mut command = command(test, directory, limit);
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "in another process ({}):\n{said}", output.status);
    assert!(said.contains("1 passed"), "no such test: {said}");
}

/// A process that runs until this is dropped.
pub(crate) struct Beside(Child);

pub(crate) fn spawn(test: &str, directory: &Path) -> Beside {
    let mut command = command(test, directory, "");
    Beside(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
}

impl Drop for Beside {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// In the second process: waits until the first has dropped it, or has ended.
pub(crate) async fn dropped() {
    let read = || std::io::stdin().read_to_end(&mut Vec::new());
    tokio::task::spawn_blocking(read).await.unwrap().unwrap();
}
