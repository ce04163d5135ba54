//! A directory with the program's storage in it.
#![allow(dead_code, reason = "each of the two test programs uses a part of it")]

use std::{
    io::Write,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_user-streams");
/// A date and an event, so that an item is always the same.
pub(crate) const AT: &[&str] = &["--created-at", "2026-03-01T12:00:00Z", "--id-from-event"];

/// A directory of its own, with nothing in the environment.
pub(crate) struct Home {
    directory: TempDir,
    backend: String,
    variables: Vec<(&'static str, String)>,
}

/// What has come of a command.
pub(crate) struct Ran {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: Option<i32>,
}

impl Home {
    /// Streams in one table of SQLite, migrated.
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    /// The same with these variables.
    pub(crate) fn with(variables: &[(&'static str, &str)]) -> Self {
        Self::of("single-table+sqlite://feeds.db?mode=rwc", variables)
    }

    /// Streams in this backend, migrated; the directory is the current one.
    pub(crate) fn of(backend: &str, variables: &[(&'static str, &str)]) -> Self {
        let home = Self::unmigrated(backend, variables);
        home.ok(&["migrate"]);
        home
    }

    pub(crate) fn unmigrated(backend: &str, variables: &[(&'static str, &str)]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let variables = variables.iter().map(|(name, value)| (*name, (*value).to_owned()));
        Self { directory, backend: backend.to_owned(), variables: variables.collect() }
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.directory.path().join(name).to_str().expect("a path in UTF-8").to_owned()
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(arguments).current_dir(self.directory.path()).env_clear();
        command.env("TZ", "UTC").env("USER_STREAMS_BACKEND", &self.backend);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        run(&mut self.command(arguments))
    }

    /// Runs it with this standard input.
    pub(crate) fn run_with(&self, arguments: &[&str], input: &str) -> Ran {
        let mut child = self.command(arguments).stdin(Stdio::piped()).spawn().expect("it starts");
        let mut stdin = child.stdin.take().expect("standard input");
        // It may end without having read all.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        ran(child)
    }

    /// What it prints; it has to succeed.
    #[track_caller]
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        self.run(arguments).ok()
    }

    /// Adds an item of an event of this name to the user 42, and gives its cursor.
    #[track_caller]
    pub(crate) fn add(&self, event: &str, content: &str) -> String {
        let added = self.ok(&[&["add", "--user", "42"], AT, &[event, content]].concat());
        first_word(&added)
    }

    /// A number that SQL finds in the file.
    pub(crate) fn sql(&self, query: &str) -> u64 {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let file = self.directory.path().join("feeds.db");
        let database = Connection::open_with_flags(file, flags).expect("the file");
        database.busy_timeout(Duration::from_secs(10)).expect("a timeout");
        let count: i64 = database.query_row(query, [], |row| row.get(0)).expect(query);
        count.try_into().expect("a count")
    }
}

impl Ran {
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self.stdout
    }

    /// The one line of an error, of a program that has ended so.
    #[track_caller]
    pub(crate) fn error(&self, code: i32) -> &str {
        assert_eq!(self.code, Some(code), "{}{}", self.stdout, self.stderr);
        let line = self.stderr.strip_suffix('\n').expect("a line");
        assert!(line.starts_with("user-streams: ") && !line.contains('\n'), "{line}");
        line
    }
}

pub(crate) fn run(command: &mut Command) -> Ran {
    ran(command.spawn().expect("it starts"))
}

/// The end of a program.
pub(crate) fn ran(child: Child) -> Ran {
    let output = child.wait_with_output().expect("it ends");
    Ran {
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        code: output.status.code(),
    }
}

pub(crate) fn first_word(text: &str) -> String {
    text.split_whitespace().next().unwrap_or_default().to_owned()
}

/// Waits until it holds.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(60), "in vain: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}
