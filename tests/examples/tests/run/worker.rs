//! A queue whose worker is killed, and one whose feeds cannot be written for a while.

use std::{
    path::Path,
    process::{Child, Command},
};

use rusqlite::Connection;
use tempfile::TempDir;

use crate::program::{kill, until};

/// The directory of a shop.
struct Shop(TempDir);

impl Shop {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    fn worker(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_worker"));
        command.args(arguments).current_dir(self.0.path()).env_clear();
        command.env("USER_STREAMS_BACKEND", "single-table+sqlite://feeds.db?mode=rwc");
        command.env("USER_STREAMS_SINGLE_TABLE_OPERATION_TIMEOUT", "0.5");
        command
    }

    fn run(&self, arguments: &[&str]) -> String {
        let output = self.worker(arguments).output().expect("the worker");
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    fn work(&self) -> Working {
        Working(self.worker(&["work"]).spawn().expect("the worker"))
    }

    fn open(&self, file: &str) -> Connection {
        Connection::open(Path::join(self.0.path(), file)).expect(file)
    }

    /// A connection that holds the write lock: who else writes waits for it.
    fn lock(&self, file: &str) -> Connection {
        let connection = self.open(file);
        connection.execute_batch("BEGIN IMMEDIATE").expect(file);
        connection
    }

    fn number(&self, file: &str, select: &str) -> i64 {
        // Asked again if it was locked just then.
        self.open(file).query_row(select, [], |row| row.get(0)).unwrap_or(-1)
    }

    fn jobs(&self) -> i64 {
        self.number("shop.db", "SELECT count(*) FROM jobs")
    }

    fn delivered(&self) -> i64 {
        self.number("feeds.db", "SELECT count(*) FROM user_streams_single_table")
    }
}

struct Working(Child);

impl Drop for Working {
    fn drop(&mut self) {
        kill(&mut self.0);
    }
}

#[test]
fn a_worker_killed_between_the_add_and_the_end_of_the_job_delivers_once() {
    let shop = Shop::new();
    shop.run(&["ship", "1204", "42"]);
    // It can add, and cannot take the job out of the queue.
    let lock = shop.lock("shop.db");
    let working = shop.work();
    until("the item is there", || shop.delivered() == 1);
    drop(working);
    drop(lock);
    assert_eq!(shop.jobs(), 1, "the job is still in the queue");

    let _working = shop.work();
    until("the job is done", || shop.jobs() == 0);
    assert_eq!(shop.delivered(), 1);
    let feed = shop.run(&["feed", "42"]);
    assert!(feed.ends_with(" Order 1204 is on its way\n") && feed.lines().count() == 1, "{feed}");
}

#[test]
fn what_fails_is_tried_again_until_it_is_delivered() {
    let shop = Shop::new();
    shop.run(&["ship", "1", "42"]);
    let _working = shop.work();
    until("the first job is done", || shop.jobs() == 0);

    let lock = shop.lock("feeds.db");
    let job = "INSERT INTO jobs (order_number, customer, shipped_at_ms, attempts, due_at_ms) \
               VALUES (2, 42, 1790000000000, 0, 0)";
    shop.open("shop.db").execute_batch(job).expect("a job");
    until("an attempt has failed", || shop.number("shop.db", "SELECT max(attempts) FROM jobs") > 0);
    drop(lock);
    until("the second job is done", || shop.jobs() == 0);
    assert_eq!(shop.delivered(), 2);
    assert_eq!(shop.run(&["feed", "42"]).lines().count(), 2);
}

#[test]
fn what_no_retry_can_mend_waits_for_a_person() {
    let shop = Shop::new();
    shop.run(&["ship", "1", "42"]);
    // A date that no stream can have.
    let job = "UPDATE jobs SET shipped_at_ms = 99999999999999";
    shop.open("shop.db").execute_batch(job).expect("a job");
    let _working = shop.work();
    let due = "SELECT max(due_at_ms) FROM jobs";
    until("it is put aside", || shop.number("shop.db", due) == i64::MAX);
    assert_eq!((shop.jobs(), shop.delivered()), (1, 0));
}
