//! I/O errors of SQLite: a clear message, and the next add succeeds.

use sea_orm::{ConnectionTrait, DbBackend};
use user_streams_core::{Error, Streams};
use user_streams_single_table::SingleTableConfig;

use super::{
    child,
    handles::{self, Handle, LAYOUTS},
    within,
};
use crate::database::{TestDatabase, connect};

crate::tests![after_a_failed_write_the_next_add_succeeds, after_a_full_disk_the_next_add_succeeds,];

/// No later error hides the cause.
fn says(error: &Error, causes: &[&str], name: &str) {
    assert!(causes.iter().any(|cause| error.to_string().contains(cause)), "{name}: {error:?}");
    let all = format!("{error:?}");
    for masks in ["cannot rollback", "begin_with"] {
        assert!(!all.contains(masks), "{name}: {all}");
    }
}

/// Adds what does not fit on the disk, and then what does.
async fn fail_and_recover(handle: &Handle, sizes: &[usize], causes: &[&str]) {
    let (name, mut failed) = (handle.name(), 0);
    let streams: Streams = handle.streams.clone().with_max_content_len(1 << 30);
    for (round, size) in sizes.iter().enumerate() {
        // To two users, in a transaction of several statements, and to one.
        for users in [vec![1, 2], vec![1]] {
            let add = streams.add_stream_item(users, "x".repeat(*size));
            if let Err(error) = within(10.0, name, add).await {
                says(&error, causes, name);
                failed += 1;
            }
            for user in [3, 4] {
                let content = format!("{round} of {user}");
                assert_eq!(handle.add(user, &*content).await, 1, "{name}");
                assert_eq!(handle.contents(user).await[0], content, "{name}");
            }
        }
    }
    assert!(failed > 0, "{name}: everything was stored");
}

/// Limits the process's files to one or two megabytes, depending on the unit of `sh`.
const LIMIT: &str = "trap '' XFSZ; ulimit -f 2048";

async fn after_a_failed_write_the_next_add_succeeds(database: TestDatabase) {
    if database.backend() != DbBackend::Sqlite {
        return;
    }
    let Some(directory) = child::directory() else {
        let test = "sqlite::faults::sqlite_errors::\
                    after_a_failed_write_the_next_add_succeeds";
        return child::run(test, database.directory.path(), LIMIT);
    };
    for (number, layout) in LAYOUTS.into_iter().enumerate() {
        for own in [true, false] {
            // Each in a file of its own, with its own write-ahead log.
            let file = directory.join(format!("{number}_{own}.db"));
            let url = format!("sqlite://{}?mode=rwc", file.display());
            let config = SingleTableConfig::new(&url);
            let handle = match own {
                true => handles::own_unmigrated(layout, config).await,
                false => {
                    let pool = connect(&url, 1).await;
                    pool.execute_unprepared("PRAGMA journal_mode = WAL").await.unwrap();
                    handles::over(&pool, layout, config)
                }
            };
            // Some fail while they are written, and some when they are committed.
            let causes = ["reading or writing the database file failed", "disk"];
            fail_and_recover(&handle.migrated().await, &[1_500_000, 8_000_000], &causes).await;
        }
    }
}

async fn after_a_full_disk_the_next_add_succeeds(database: TestDatabase) {
    if database.backend() != DbBackend::Sqlite {
        return;
    }
    let pool = connect(&database.url, 1).await;
    for layout in LAYOUTS {
        let handle = handles::over(&pool, layout, database.config()).migrated().await;
        // A full disk from the database's point of view.
        pool.execute_unprepared("PRAGMA max_page_count = 200").await.unwrap();
        fail_and_recover(&handle, &[1_000_000, 8_000_000], &["the disk is full"]).await;
    }
}
