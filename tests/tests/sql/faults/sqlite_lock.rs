//! SQLite's write lock held by another connection: a timeout, and an error that says who holds it.

use std::{fs, path::Path};

use futures_util::future::join_all;
use sea_orm::{ConnectionTrait, DbBackend};
use tokio::time::sleep;
use user_streams_core::{Error, ErrorKind, UserIdKind};

use super::{
    blocker::Blocker,
    bounds::at_most,
    child, eventually,
    handles::{self, Handle},
    recipients::stalling,
    seconds, start, timed,
};
use crate::database::{TestDatabase, connect};

crate::tests![
    waiting_for_another_process_ends_at_the_timeout_and_says_so,
    waiting_for_a_transaction_of_this_process_ends_at_the_timeout_and_says_so,
    waiting_for_a_writer_of_its_own_ends_at_the_timeout,
];

const LIMIT: f64 = 1.5;

/// Several concurrent writers, all of which fail.
async fn adds_conflict(handle: &Handle, says: &str) {
    let adds = (0..4).map(|user| async move {
        let add = handle.streams.add_stream_item([user, user + 10], "waits");
        let (added, took) = timed(3.0 * LIMIT, handle.name(), add).await;
        (added.map(drop), took)
    });
    let delete = async {
        let delete = handle.streams.delete_stream(7);
        let (deleted, took) = timed(3.0 * LIMIT, handle.name(), delete).await;
        (deleted.map(drop), took)
    };
    let (mut all, deleted) = tokio::join!(join_all(adds), delete);
    all.push(deleted);
    let mut said = false;
    for (ended, took) in all {
        let error: Error = ended.unwrap_err();
        let name = handle.name();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{name}: {error:?}");
        assert!(error.is_retryable(), "{name}: {error:?}");
        said |= error.to_string().contains(says);
        assert!(took <= at_most(LIMIT), "{name}: took {took:?}");
    }
    // Calls that queue behind others of this handle need not know what those wait for.
    assert!(said, "{}: no error says {says:?}", handle.name());
}

async fn hold_the_lock(directory: &Path) {
    let url = format!("sqlite://{}/test.db", directory.display());
    let connection = connect(&url, 1).await;
    connection.execute_unprepared("BEGIN IMMEDIATE").await.unwrap();
    fs::write(directory.join("held"), "").unwrap();
    child::dropped().await;
}

async fn waiting_for_another_process_ends_at_the_timeout_and_says_so(database: TestDatabase) {
    if database.backend() != DbBackend::Sqlite {
        return;
    }
    if let Some(directory) = child::directory() {
        return hold_the_lock(&directory).await;
    }
    let config = database.config().with_operation_timeout(seconds(LIMIT));
    let handles = handles::handles(&config, 6).await;
    let test = "sqlite::faults::sqlite_lock::\
                waiting_for_another_process_ends_at_the_timeout_and_says_so";
    let path = database.directory.path();
    let other = child::spawn(test, path);
    eventually(10.0, "the lock is held", async || path.join("held").exists()).await;
    join_all(handles.iter().map(|handle| adds_conflict(handle, "another process"))).await;
    drop(other);
    for handle in handles {
        assert_eq!(handle.add(1, "after").await, 1, "{}", handle.name());
    }
}

async fn waiting_for_a_transaction_of_this_process_ends_at_the_timeout_and_says_so(
    database: TestDatabase,
) {
    if database.backend() != DbBackend::Sqlite {
        return;
    }
    let config = database.config().with_operation_timeout(seconds(LIMIT));
    let handles = handles::handles(&config, 6).await;
    let blocker = Blocker::run(&database, &[]).await;
    join_all(handles.iter().map(|handle| adds_conflict(handle, "this process"))).await;
    blocker.release().await;
    for handle in handles {
        assert_eq!(handle.add(1, "after").await, 1, "{}", handle.name());
    }
}

async fn waiting_for_a_writer_of_its_own_ends_at_the_timeout(database: TestDatabase) {
    if database.backend() != DbBackend::Sqlite {
        return;
    }
    let config = database.config().with_user_id(UserIdKind::Text);
    let config = config.with_operation_timeout(seconds(LIMIT));
    for handle in handles::own(&config, 4).await {
        let broadcast = handle.streams.add_stream_item(stalling(25_000), "stalls");
        let _broadcast = start(broadcast);
        // Its transaction is open.
        sleep(seconds(0.5)).await;
        let add = handle.streams.add_stream_item("somebody", "waits");
        let (added, took) = timed(3.0 * LIMIT, handle.name(), add).await;
        let error = added.map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{}: {error:?}", handle.name());
        assert!(!error.to_string().contains("another process"), "{error}");
        assert!(took <= at_most(LIMIT), "{}: took {took:?}", handle.name());
    }
}
