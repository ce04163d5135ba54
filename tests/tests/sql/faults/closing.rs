//! Closing: fast, whatever the connections do, and without closing the application's pool.

use std::time::Duration;

use futures_util::future::join_all;
use sea_orm::{ConnectionTrait, DbBackend};
use tokio::time::{sleep, timeout};
use user_streams_core::{NewItem, UserIdKind};
use user_streams_single_table::SingleTableConfig;

use super::{
    blocker::Blocker,
    dropped_calls::{add_and_read, storm},
    handles::{self, Handle, LAYOUTS, Layout},
    proxy::Proxy,
    recipients::stalling,
    start, within,
};
use crate::database::{TestDatabase, connect};

crate::tests![
    closing_leaves_an_application_s_pool_open,
    closing_is_fast_while_statements_run,
    closing_is_fast_while_recipients_stall,
    closing_is_fast_while_the_network_stalls,
    closing_is_fast_after_many_dropped_calls,
    closing_a_file_checkpoints_its_log,
];

/// The promised duration of a close.
const LIMIT: f64 = 5.0;

async fn closes(handle: &Handle) {
    // Its result does not matter if a connection is broken.
    let _ = within(LIMIT + 0.5, format!("closing {}", handle.name()), handle.streams.close()).await;
}

async fn closing_leaves_an_application_s_pool_open(database: TestDatabase) {
    let pool = connect(&database.url, 3).await;
    for layout in LAYOUTS {
        let closed = handles::over(&pool, layout, database.config()).migrated().await;
        let other = handles::over(&pool, layout, database.config());
        closed.add(1, "before").await;
        within(LIMIT, closed.name(), closed.streams.close()).await.unwrap();
        assert_eq!(other.add(1, "after").await, 1);
        assert_eq!(other.contents(1).await.len(), 2);
        pool.execute_unprepared("SELECT 1").await.unwrap();
    }
}

async fn closing_is_fast_while_statements_run(database: TestDatabase) {
    let handles = handles::own(&database.config(), 3).await;
    let (mut blockers, mut adds) = (Vec::new(), Vec::new());
    if database.backend() == DbBackend::Sqlite {
        blockers.push(Blocker::run(&database, &[]).await);
    }
    for handle in &handles {
        let item = NewItem::new("waits");
        if database.backend() != DbBackend::Sqlite {
            blockers.push(Blocker::of_deliveries(&database, handle, &[1], &item).await);
        }
        for users in [vec![1], vec![1, 2]] {
            let add = handle.streams.add_stream_item(users, item.clone());
            adds.push(start(add));
        }
    }
    sleep(Duration::from_millis(300)).await;
    join_all(handles.iter().map(closes)).await;
    for blocker in blockers {
        blocker.release().await;
    }
}

async fn closing_is_fast_while_recipients_stall(database: TestDatabase) {
    let config = database.config().with_user_id(UserIdKind::Text);
    let handles = handles::own(&config, 3).await;
    let stall = |handle: &Handle| start(handle.streams.add_stream_item(stalling(25_000), "stalls"));
    let _adds: Vec<_> = handles.iter().map(stall).collect();
    sleep(Duration::from_millis(500)).await;
    join_all(handles.iter().map(closes)).await;
}

async fn closing_is_fast_while_the_network_stalls(database: TestDatabase) {
    if database.backend() == DbBackend::Sqlite {
        return;
    }
    let handles = LAYOUTS.map(|layout| {
        let database = &database;
        async move {
            let proxy = Proxy::before(&database.url).await;
            let config = SingleTableConfig::new(proxy.url()).with_max_connections(3);
            let handle = handles::own_unmigrated(layout, config).await.migrated().await;
            join_all((0..6).map(|user| handle.contents(user))).await;
            proxy.stall_all();
            let dropped = handle.streams.add_stream_item([1, 2], "stalls").into_future();
            let _ = timeout(Duration::from_millis(100), dropped).await;
            let _running = start(handle.streams.get_stream_items(1).slice(..5));
            sleep(Duration::from_millis(100)).await;
            closes(&handle).await;
        }
    });
    join_all(handles).await;
}

async fn closing_is_fast_after_many_dropped_calls(database: TestDatabase) {
    let handles = handles::own(&database.config(), 5).await;
    for handle in handles {
        storm(&handle.streams, 60, add_and_read).await;
        closes(&handle).await;
    }
}

async fn closing_a_file_checkpoints_its_log(database: TestDatabase) {
    if database.backend() != DbBackend::Sqlite {
        return;
    }
    for round in 0..60 {
        let path = database.directory.path().join(format!("{round}.db"));
        let config = SingleTableConfig::new(format!("sqlite://{}?mode=rwc", path.display()));
        let handle = handles::own_unmigrated(Layout::SingleTable, config).await.migrated().await;
        // Every connection of the pool.
        let handle = &handle;
        let calls = (0..4).map(|user| async move {
            handle.add(user, "item").await;
            handle.items(user).await
        });
        join_all(calls).await;
        handle.streams.close().await.unwrap();
        assert!(
            !path.with_extension("db-wal").exists(),
            "the log is still there, in round {round}"
        );
    }
}
