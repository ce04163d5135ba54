//! Outputs that nobody reads any more, and `watch`.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, ChildStdout},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{AT, Home};

fn many(home: &Home) {
    let ids: String = (1..=30_000).map(|id| format!("{id}\n")).collect();
    let add = [&["add", "--users-from", "-"], AT, &["a", "Hello"]].concat();
    home.run_with(&add, &ids).ok();
}

/// The end of a program whose output is closed.
fn ends_quietly(mut child: Child) {
    let mut stderr = String::new();
    child.stderr.take().expect("stderr").read_to_string(&mut stderr).expect("UTF-8");
    let status = child.wait().expect("it ends");
    assert_eq!((status.code(), stderr.as_str()), (Some(0), ""));
}

#[test]
fn a_pipe_that_closes_early_is_no_error() {
    let home = Home::new();
    many(&home);
    for command in ["users", "export"] {
        let mut child = home.command(&[command, "--quiet"]).spawn().expect("it starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("a line");
        assert!(!line.is_empty());
        drop(stdout);
        ends_quietly(child);
    }
}

#[test]
fn a_closed_standard_error_is_no_error() {
    let home = Home::new();
    many(&home);
    let mut child = home.command(&["list", "42", "-n", "1"]).spawn().expect("it starts");
    drop(child.stderr.take());
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    let mut child = home.command(&["list", "ann"]).spawn().expect("it starts");
    drop(child.stderr.take());
    assert_eq!(child.wait().expect("it ends").code(), Some(2));
}

/// A `watch`, of which the items so far have come.
fn watch(home: &Home, item: &str) -> (Child, BufReader<ChildStdout>) {
    let mut child = home.command(&["watch", "42", "--after", item]).spawn().expect("it starts");
    let mut stdout = BufReader::new(child.stdout.take().expect("stdout"));
    home.ok(&["add", "--user", "42", "the first"]);
    assert!(next(&mut stdout).ends_with("  the first\n"));
    (child, stdout)
}

fn next(stdout: &mut impl BufRead) -> String {
    let mut line = String::new();
    stdout.read_line(&mut line).expect("a line");
    line
}

#[test]
fn watch_prints_what_other_processes_add_until_it_is_interrupted() {
    let home = Home::with(&[("USER_STREAMS_POLL_INTERVAL", "0.05")]);
    let item = home.add("a", "before");
    let (child, mut stdout) = watch(&home, &item);
    home.ok(&["add", "--user", "43", "to another"]);
    home.ok(&["add", "--user", "42", "the second"]);
    assert!(next(&mut stdout).ends_with("  the second\n"));
    let process = Pid::from_child(&child);
    kill_process(process, Signal::INT).expect("a signal");
    assert_eq!(next(&mut stdout), "");
    ends_quietly(child);
}

#[test]
fn watch_ends_when_its_output_is_closed_though_nothing_comes() {
    let home = Home::with(&[("USER_STREAMS_POLL_INTERVAL", "0.05")]);
    let item = home.add("a", "before");
    let (child, stdout) = watch(&home, &item);
    drop(stdout);
    ends_quietly(child);
}

#[test]
fn watch_ends_after_so_many_items() {
    let home = Home::with(&[("USER_STREAMS_POLL_INTERVAL", "0.05")]);
    home.ok(&["add", "--user", "42", "Hello"]);
    let watched = home.ok(&["watch", "42", "-n", "1", "--json", "--after", &first(&home)]);
    let item: serde_json::Value = serde_json::from_str(&watched).expect("JSON");
    assert_eq!(item["content"], "next");
}

/// The place of the item, after which another one has come.
fn first(home: &Home) -> String {
    let list = home.ok(&["list", "42"]);
    let cursor = list.split_whitespace().nth(1).expect("a cursor").to_owned();
    home.ok(&["add", "--user", "42", "next"]);
    cursor
}
