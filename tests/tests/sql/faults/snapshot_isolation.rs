//! MariaDB's `innodb_snapshot_isolation`: a statement fails if a row was written since its snapshot
//! (error 1020), which is a conflict and retried.

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::join_all;
use sea_orm::DbBackend;
use tokio::time::Instant;
use user_streams_single_table::SingleTableConfig;

use super::{
    handles::{self, Handle, Layout},
    logins::{Login, Setting},
    seconds, within,
};
use crate::database::TestDatabase;

crate::tests![
    a_purge_beside_writers_works_with_snapshot_isolation,
    concurrent_adds_and_deletes_work_with_snapshot_isolation,
];

async fn handles(database: &TestDatabase) -> Option<(Login, Vec<Handle>)> {
    if database.backend() != DbBackend::MySql {
        return None;
    }
    let login = Login::create(database, Setting::SnapshotIsolation).await?;
    let handles = handles::handles(&SingleTableConfig::new(&login.url), 10).await;
    Some((login, handles))
}

/// Adds to one user and deletes the stream, so that there are items without a delivery.
async fn write(handle: &Handle, user: i64, done: &AtomicBool) {
    while !done.load(Ordering::Relaxed) {
        handle.add(user, "alone").await;
        handle.add([user, user + 100], "together").await;
        if let Err(error) = handle.streams.delete_stream(user).await {
            panic!("{}: deleting: {error:?}", handle.name());
        }
    }
}

async fn a_purge_beside_writers_works_with_snapshot_isolation(database: TestDatabase) {
    let Some((_login, handles)) = handles(&database).await else { return };
    for handle in handles.iter().filter(|handle| handle.layout == Layout::ManyToMany) {
        let done = AtomicBool::new(false);
        let purges = async {
            let end = Instant::now() + seconds(1.5);
            let mut purges = 0;
            while Instant::now() < end || purges < 5 {
                let purged = within(10.0, "a purge", handle.streams.purge()).await;
                purged.unwrap_or_else(|error| {
                    panic!("{}: purge {purges}: {error:?}", handle.name());
                });
                purges += 1;
            }
            done.store(true, Ordering::Relaxed);
        };
        let writers = (0..8).map(|user| write(handle, user, &done));
        tokio::join!(purges, join_all(writers));
    }
}

async fn concurrent_adds_and_deletes_work_with_snapshot_isolation(database: TestDatabase) {
    let Some((_login, handles)) = handles(&database).await else { return };
    for handle in &handles {
        let writers = (0..8).map(|number| async move {
            for _ in 0..15 {
                // All write to the same users.
                handle.add((1..=20).collect::<Vec<_>>(), "item").await;
                if let Err(error) = handle.streams.delete_stream(number % 3).await {
                    panic!("{}: deleting: {error:?}", handle.name());
                }
            }
        });
        within(15.0, handle.name(), join_all(writers)).await;
    }
}
