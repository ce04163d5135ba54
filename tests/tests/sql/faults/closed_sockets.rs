//! A call that times out or is dropped soon leaves nothing behind on the server.

use futures_util::future::join_all;
use sea_orm::{
    DbBackend,
    sea_query::{Expr, Query},
};
use tokio::time::timeout;
use user_streams_core::{ErrorKind, NewItem};
use user_streams_single_table::{SingleTableConfig, Users};

use super::{
    blocker::Blocker,
    eventually,
    handles::{self, Handle, LAYOUTS},
    proxy::Proxy,
    seconds, sessions, within,
};
use crate::database::TestDatabase;

crate::tests![
    a_retry_succeeds_at_once_after_a_connection_has_stalled,
    the_server_releases_the_locks_of_a_stalled_connection,
    the_server_ends_the_statement_of_a_call_that_timed_out,
    the_server_ends_the_statement_of_a_dropped_call,
    the_server_ends_what_a_client_has_begun_that_is_cut_off,
    the_server_ends_a_query_of_recipients_that_timed_out,
    the_server_ends_a_query_of_recipients_that_was_dropped,
];

/// Enough for a transaction on PostgreSQL too.
const USERS: i64 = 2_500;
const LIMIT: f64 = 1.0;

/// An add whose connection stalls between storing the item and delivering it. Returns the item, for
/// a retry.
async fn stall(handle: &Handle, proxy: &Proxy, backend: DbBackend) -> NewItem {
    let item = NewItem::new("stalled");
    proxy.stall_at(format!("{} (", handle.quoted_table(backend)));
    let add = handle.streams.add_stream_item(users(), item.clone());
    let error = within(LIMIT * 2.5, handle.name(), add).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{}: {error:?}", handle.name());
    assert!(proxy.has_held(), "{}: no statement has stalled", handle.name());
    item
}

fn users() -> Vec<i64> {
    (1..=USERS).collect()
}

async fn stalled(database: &TestDatabase) -> Vec<(Handle, Proxy, NewItem)> {
    let all = LAYOUTS.map(|layout| async move {
        let proxy = Proxy::before(&database.url).await;
        let config = SingleTableConfig::new(proxy.url()).with_max_connections(4);
        let config = config.with_operation_timeout(seconds(LIMIT));
        let handle = handles::own_unmigrated(layout, config).await.migrated().await;
        let item = stall(&handle, &proxy, database.backend()).await;
        (handle, proxy, item)
    });
    join_all(all).await
}

async fn a_retry_succeeds_at_once_after_a_connection_has_stalled(database: TestDatabase) {
    if database.backend() == DbBackend::Sqlite {
        return;
    }
    for (handle, _proxy, item) in stalled(&database).await {
        assert_eq!(handle.add(users(), item).await, USERS as u64, "{}", handle.name());
    }
}

async fn the_server_releases_the_locks_of_a_stalled_connection(database: TestDatabase) {
    if database.backend() == DbBackend::Sqlite {
        return;
    }
    let _stalled = stalled(&database).await;
    eventually(2.0, "no session is busy", async || sessions::busy(&database, &[]).await == 0).await;
}

/// Lets an add of each layout wait for a lock on the server, drops it after `patience`, and waits
/// for its session to end while the lock is still held.
async fn wait_and_end(database: &TestDatabase, patience: f64) {
    let config = database.config().with_operation_timeout(seconds(LIMIT));
    let handles = handles::own(&config, 4).await;
    let mut blockers = Vec::new();
    let mut adds = Vec::new();
    for handle in &handles {
        for to in [1, USERS] {
            let item = NewItem::new("waits");
            blockers.push(Blocker::of_deliveries(database, handle, &[to], &item).await);
            let users: Vec<_> = (1..=to).collect();
            let add = handle.streams.add_stream_item(users, item).into_future();
            adds.push(timeout(seconds(patience), add));
        }
    }
    // Those that were not dropped.
    for added in join_all(adds).await.into_iter().flatten() {
        let error = added.map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
    }
    let but: Vec<_> = blockers.iter().map(|blocker| blocker.session).collect();
    eventually(2.0, "no session is busy", async || sessions::busy(database, &but).await == 0).await;
    for blocker in blockers {
        blocker.release().await;
    }
}

async fn the_server_ends_the_statement_of_a_call_that_timed_out(database: TestDatabase) {
    if database.backend() != DbBackend::Sqlite {
        wait_and_end(&database, LIMIT * 2.5).await;
    }
}

async fn the_server_ends_the_statement_of_a_dropped_call(database: TestDatabase) {
    if database.backend() != DbBackend::Sqlite {
        wait_and_end(&database, LIMIT / 3.0).await;
    }
}

/// Neither the end of its socket nor a KILL reaches the server.
async fn the_server_ends_what_a_client_has_begun_that_is_cut_off(database: TestDatabase) {
    if database.backend() == DbBackend::Sqlite {
        return;
    }
    for layout in LAYOUTS {
        let proxy = Proxy::before(&database.url).await;
        let config = SingleTableConfig::new(proxy.url()).with_operation_timeout(seconds(LIMIT));
        let config = config.with_recipients_timeout(seconds(LIMIT));
        let handle = handles::own_unmigrated(layout, config).await.migrated().await;
        let item = NewItem::new("waits");
        let blocker = Blocker::of_deliveries(&database, &handle, &[1], &item).await;
        let busy = async || sessions::busy(&database, &[blocker.session]).await;
        let add = handle.streams.add_stream_item(1, item).into_future();
        let cut_off = async {
            eventually(LIMIT, "it waits for the lock", async || busy().await == 1).await;
            proxy.stall_all();
        };
        let (added, ()) = tokio::join!(add, cut_off);
        let error = added.map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{}: {error:?}", handle.name());
        eventually(LIMIT * 8.0, "no session is busy", async || busy().await == 0).await;
        blocker.release().await;
    }
}

/// A query that runs much longer than any test.
fn endless(backend: DbBackend) -> Users {
    let id = match backend {
        DbBackend::Postgres => "CASE WHEN pg_sleep(20) IS NULL THEN 1 ELSE 2 END",
        DbBackend::MySql => "SLEEP(20)",
        _ => {
            "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000000) \
             SELECT MAX(i) FROM n)"
        }
    };
    Users::query(Query::select().expr(Expr::cust(id)).to_owned())
}

/// Drops an add to such a query after `patience`: then nothing is locked, and nothing runs.
async fn query_and_end(database: &TestDatabase, patience: f64) {
    let config = database.config().with_broadcast_timeout(seconds(LIMIT));
    for handle in handles::own(&config, 2).await {
        let query = endless(database.backend());
        let add = handle.streams.add_stream_item(query, "to those").into_future();
        if let Ok(added) = timeout(seconds(patience), add).await {
            let error = added.map(drop).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Timeout, "{}: {error:?}", handle.name());
        }
        let quiet = async || sessions::busy(database, &[]).await == 0;
        eventually(2.0, "no session is busy", quiet).await;
        assert_eq!(within(2.0, handle.name(), handle.add(1, "after")).await, 1);
    }
}

async fn the_server_ends_a_query_of_recipients_that_timed_out(database: TestDatabase) {
    query_and_end(&database, LIMIT * 2.5).await;
}

async fn the_server_ends_a_query_of_recipients_that_was_dropped(database: TestDatabase) {
    query_and_end(&database, LIMIT / 3.0).await;
}
