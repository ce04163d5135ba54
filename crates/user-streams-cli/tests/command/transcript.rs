//! The sessions in `docs/command.md` are made by running what they show.
//!
//! Write them again with
//! `USER_STREAMS_TEST_WRITE_DOCS=1 cargo test -p user-streams-cli --test command transcript`.

use std::{
    env, fs,
    path::Path,
    process::{Command, Stdio},
};

use crate::support::PROGRAM;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/command.md");
const BEGIN: &str = "```console\n";
const END: &str = "```\n";

/// Runs the commands of a block, which go on where the blocks before have ended, and gives the
/// block with what comes out.
fn session(block: &str, directory: &Path, exports: &mut String) -> String {
    let mut shown = String::new();
    let mut lines = block.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(mut command) = line.strip_prefix("$ ").map(str::to_owned) else { continue };
        while command.ends_with('\\') {
            command += &format!("\n{}", lines.next().expect("a line goes on"));
        }
        shown += &format!("$ {command}\n");
        if command.starts_with("export ") {
            *exports += &format!("{command}\n");
            continue;
        }
        let programs = Path::new(PROGRAM).parent().expect("a directory").display();
        let output = Command::new("sh")
            .args(["-c", &format!("exec 2>&1\n{exports}{command}")])
            .current_dir(directory)
            .env_clear()
            .env("TZ", "UTC")
            .env("PATH", format!("{programs}:/usr/bin:/bin"))
            .stdin(Stdio::null())
            .output()
            .expect("a shell");
        shown += &String::from_utf8(output.stdout).expect("UTF-8");
    }
    shown
}

#[test]
fn the_sessions_of_the_document_are_what_comes_out() {
    let document = fs::read_to_string(DOCUMENT).expect("the document");
    let directory = tempfile::tempdir().expect("a directory");
    let mut exports = String::new();
    let mut parts = document.split(BEGIN);
    let mut expected = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (block, after) = part.split_once(END).expect("the end of a block");
        let block = session(block, directory.path(), &mut exports);
        expected += &format!("{BEGIN}{block}{END}{after}");
    }
    if env::var_os("USER_STREAMS_TEST_WRITE_DOCS").is_some() {
        fs::write(DOCUMENT, expected).expect("the document is written");
        return;
    }
    assert!(document == expected, "write it again, see the top of {}:\n{expected}", file!());
}
