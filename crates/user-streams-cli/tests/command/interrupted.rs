//! A long `add` that is interrupted, and completed by the same command. What is stored is counted
//! by SQL.

use std::{
    fs,
    io::{Read, Write},
    process::Stdio,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{AT, Home, first_word, ran, wait_until};

const ROWS: &str = "SELECT COUNT(*) FROM user_streams_single_table";
const USERS: &str = "SELECT COUNT(DISTINCT user_id) FROM user_streams_single_table";

fn add(from: &str) -> Vec<&str> {
    [&["add", "--users-from", from], AT, &["campaign:7", "Hello"]].concat()
}

/// Sends a signal when a half of so many ids is given and a part of them stored, and then runs the
/// same command.
fn is_completed_after(signal: Signal, ids: u64) {
    let home = Home::new();
    let all: String = (1..=ids).map(|id| format!("{id}\n")).collect();
    let half = all.split_at(all.len() / 2).0;
    let mut child = home.command(&add("-")).stdin(Stdio::piped()).spawn().expect("it starts");
    // It stays open: the program waits for more.
    let mut stdin = child.stdin.take().expect("standard input");
    stdin.write_all(half.as_bytes()).expect("it reads");
    wait_until("a part is stored", || home.sql(ROWS) >= ids / 5);
    kill_process(Pid::from_child(&child), signal).expect("a signal");
    let ended = ran(child);
    drop(stdin);

    let stored = home.sql(ROWS);
    assert!(stored > 0 && stored < ids, "{stored}");
    if signal == Signal::KILL {
        assert_eq!(ended.code, None);
    } else {
        let error = ended.error(130);
        assert!(error.contains("run the same command again"), "{error}");
        let told = error.strip_prefix("user-streams: interrupted: at least ").map(first_word);
        let told: u64 = told.expect("a number").parse().expect("a number");
        assert!(told > 0 && told <= stored, "{told} of {stored}: {error}");
    }

    let added = home.run_with(&add("-"), &all).ok();
    assert!(added.ends_with(&format!("  {} delivered\n", ids - stored)), "{added}");
    assert_eq!((home.sql(ROWS), home.sql(USERS)), (ids, ids));
    assert!(home.run_with(&add("-"), &all).ok().ends_with("  0 delivered\n"));
}

#[test]
fn what_sigint_has_interrupted_is_completed_by_the_same_command() {
    is_completed_after(Signal::INT, 100_000);
}

#[test]
fn what_sigkill_has_interrupted_is_completed_by_the_same_command() {
    is_completed_after(Signal::KILL, 100_000);
}

#[test]
#[ignore = "long: a million ids, twice"]
fn a_million_is_completed_too() {
    is_completed_after(Signal::INT, 1_000_000);
    is_completed_after(Signal::KILL, 1_000_000);
}

/// The most memory that a running process has had, in KiB.
fn peak(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a line");
    first_word(line).parse().expect("a number")
}

#[test]
#[ignore = "long: a million items, three times"]
#[cfg(target_os = "linux")]
fn a_million_items_take_no_more_memory_than_some() {
    let peak_of = |ids: u64| {
        let home = Home::new();
        let all: String = (1..=ids).map(|id| format!("{id}\n")).collect();
        // Everything is read when the last ids are waited for.
        let mut child = home.command(&add("-")).stdin(Stdio::piped()).spawn().expect("it starts");
        let mut stdin = child.stdin.take().expect("standard input");
        stdin.write_all(all.as_bytes()).expect("it reads");
        wait_until("most is stored", || home.sql(ROWS) + 20_000 >= ids);
        let adding = peak(child.id());
        drop(stdin);
        ran(child).ok();

        let mut child = home.command(&["export"]).spawn().expect("it starts");
        let mut stdout = child.stdout.take().expect("stdout");
        let (mut part, mut text, mut exporting) = (vec![0; 1 << 16], 0, 0);
        loop {
            let read = stdout.read(&mut part).expect("output");
            if read == 0 {
                break;
            }
            if text >> 20 != (text + read) >> 20 {
                exporting = peak(child.id());
            }
            text += read;
        }
        ran(child).ok();
        (adding, exporting)
    };
    let (some, many) = (peak_of(250_000), peak_of(1_000_000));
    eprintln!("KiB adding and exporting: {some:?} and {many:?}");
    assert!(many.0 < some.0 * 3 / 2 && many.1 < some.1 * 3 / 2, "{some:?} and {many:?}");
}
