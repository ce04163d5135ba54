use std::{env, fs, pin::Pin, time::Duration};

use futures_util::{FutureExt, future::join_all};
use sea_orm::Value;
use tokio::time::Instant;
use user_streams_core::{ErrorKind, Result, backend::ConnectionMetrics};

use super::ReaderPool;
use crate::{
    config::Timeouts,
    pool::{Limits, source::Source},
    url::SqliteFile,
};

/// A statement that ends when it is interrupted.
const ENDLESS: &str =
    "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n) SELECT count(*) FROM n";

/// A file with a table, removed when this is dropped.
struct File(String);

impl File {
    fn new() -> Self {
        let name = format!("user-streams-readers-{:x}.db", fastrand::u128(..));
        let file = Self(env::temp_dir().join(name).display().to_string());
        file.writer().execute_batch("CREATE TABLE numbers (n INTEGER)").unwrap();
        file
    }

    fn writer(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(&self.0).unwrap()
    }

    fn pool(&self, threads: u32) -> ReaderPool {
        let file = SqliteFile {
            path: self.0.clone(),
            is_read_only: false,
            is_immutable: false,
            has_shared_cache: false,
            vfs: None,
        };
        ReaderPool::new(file, threads, ConnectionMetrics::new("test"))
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn limits(seconds: f64) -> Limits {
    let limit = Duration::from_secs_f64(seconds);
    Limits::for_call(&Timeouts {
        operation: limit,
        broadcast: limit,
        connect: limit,
        recipients: limit,
    })
}

async fn number(pool: &ReaderPool, sql: &str, values: Vec<Value>) -> Result<i64> {
    let mut reader = pool.lease(limits(10.0)).await?;
    let rows = reader.query(sql, values).await?;
    Ok(rows[0].get(0).unwrap())
}

/// A read that has been asked for and has no answer yet.
fn begun<'a>(pool: &'a ReaderPool, sql: &'a str) -> Pin<Box<impl Future<Output = Result<i64>>>> {
    let mut read = Box::pin(number(pool, sql, Vec::new()));
    assert!((&mut read).now_or_never().is_none(), "{sql}");
    read
}

#[tokio::test]
async fn each_of_many_reads_gets_its_own_answer() {
    let file = File::new();
    let pool = file.pool(2);
    let reads = (0..1_000_i64).map(|n| number(&pool, "SELECT ?1", vec![n.into()]));
    for (n, answer) in (0_i64..).zip(join_all(reads).await) {
        assert_eq!(answer.unwrap(), n);
    }
}

#[tokio::test]
async fn a_long_read_keeps_no_answer_back_and_ends_when_it_is_dropped() {
    let file = File::new();
    let pool = file.pool(1);
    let first = begun(&pool, ENDLESS);
    let quick = begun(&pool, "SELECT 7");
    let mut second = begun(&pool, ENDLESS);
    // The thread goes on with the other two, of which the last has no end.
    drop(first);
    assert_eq!(quick.await.unwrap(), 7);
    assert!((&mut second).now_or_never().is_none());
    drop(second);
    assert_eq!(number(&pool, "SELECT 8", Vec::new()).await.unwrap(), 8);
}

#[tokio::test]
async fn a_read_that_was_dropped_is_not_begun() {
    let file = File::new();
    let pool = file.pool(1);
    let first = begun(&pool, ENDLESS);
    let waiting = begun(&pool, "SELECT 1");
    drop(waiting);
    drop(first);
    assert_eq!(number(&pool, "SELECT 2", Vec::new()).await.unwrap(), 2);
}

#[tokio::test]
async fn a_slow_read_leaves_the_other_threads_to_others() {
    let file = File::new();
    let pool = file.pool(2);
    let _slow = begun(&pool, ENDLESS);
    for n in 0..10 {
        assert_eq!(number(&pool, "SELECT ?1", vec![n.into()]).await.unwrap(), n);
    }
}

#[tokio::test]
async fn a_read_that_takes_too_long_ends_by_its_deadline() {
    let file = File::new();
    let pool = file.pool(1);
    let mut reader = pool.lease(limits(0.1)).await.unwrap();
    let error = reader.query(ENDLESS, Vec::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.message().contains("within 0.1 s (`operation_timeout`)"), "{error}");
    assert_eq!(number(&pool, "SELECT 1", Vec::new()).await.unwrap(), 1);
}

#[tokio::test]
async fn while_another_connection_has_the_lock_a_read_waits() {
    let file = File::new();
    let pool = file.pool(1);
    let writer = file.writer();
    writer.execute_batch("BEGIN EXCLUSIVE; INSERT INTO numbers VALUES (3)").unwrap();
    let mut reader = pool.lease(limits(0.1)).await.unwrap();
    let error = reader.query("SELECT n FROM numbers", Vec::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    let waiting = begun(&pool, "SELECT n FROM numbers");
    writer.execute_batch("COMMIT").unwrap();
    assert_eq!(waiting.await.unwrap(), 3);
}

#[tokio::test]
async fn it_writes_nothing() {
    let file = File::new();
    let pool = file.pool(1);
    let mut reader = pool.lease(limits(10.0)).await.unwrap();
    let error = reader.query("INSERT INTO numbers VALUES (1)", Vec::new()).await.unwrap_err();
    assert!(format!("{error:?}").contains("readonly"), "{error:?}");
    assert_eq!(
        reader.execute("DELETE FROM numbers", Vec::new()).await.unwrap_err().kind(),
        ErrorKind::Unsupported
    );
    assert_eq!(number(&pool, "SELECT count(*) FROM numbers", Vec::new()).await.unwrap(), 0);
}

#[tokio::test]
async fn a_connection_that_fails_is_opened_again() {
    let file = File::new();
    let pool = file.pool(1);
    fs::write(&file.0, [7; 8_192]).unwrap();
    let error = number(&pool, "SELECT n FROM numbers", Vec::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    fs::remove_file(&file.0).unwrap();
    let error = number(&pool, "SELECT n FROM numbers", Vec::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
    file.writer().execute_batch("CREATE TABLE numbers AS SELECT 4 AS n").unwrap();
    assert_eq!(number(&pool, "SELECT n FROM numbers", Vec::new()).await.unwrap(), 4);
}

#[tokio::test]
async fn closing_ends_what_waits_and_the_threads() {
    let file = File::new();
    let pool = file.pool(2);
    let mut reads: Vec<_> = (0..3).map(|_| begun(&pool, ENDLESS)).collect();
    pool.close(Instant::now() + Duration::from_millis(50)).await;
    let waiting = reads.pop().unwrap().await.unwrap_err();
    assert_eq!(waiting.kind(), ErrorKind::Connection);
    let error = pool.lease(limits(10.0)).await.map(drop).unwrap_err();
    assert_eq!(error.message(), "the backend is closed");
}

#[tokio::test]
async fn a_dropped_pool_ends_its_threads() {
    let file = File::new();
    let pool = file.pool(2);
    assert_eq!(number(&pool, "SELECT 1", Vec::new()).await.unwrap(), 1);
    let threads = pool.threads();
    drop(pool);
    threads.ended().await;
}

#[tokio::test(start_paused = true)]
async fn beyond_its_places_a_call_waits_and_is_told() {
    let file = File::new();
    let pool = file.pool(1);
    let places = join_all((0..64).map(|_| pool.lease(limits(10.0)))).await;
    let error = pool.lease(limits(0.5)).await.map(drop).unwrap_err();
    assert!(error.message().starts_with("no connection was free within 0.5 s"), "{error}");
    drop(places);
    assert!(pool.lease(limits(0.5)).await.is_ok());
}
