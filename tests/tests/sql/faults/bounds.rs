//! How long a call may take, whatever it waits for.

use std::time::Duration;

use futures_util::future::join_all;
use sea_orm::DbBackend;
use user_streams_core::{ErrorKind, NewItem};
use user_streams_many_to_many::ManyToManyBackend;
use user_streams_single_table::SingleTableConfig;

use super::{
    blocker::Blocker,
    handles::{self, Handle, LAYOUTS},
    proxy::Proxy,
    seconds, start, timed, within,
};
use crate::database::{TestDatabase, connect};

crate::tests![
    a_call_that_waits_for_a_lock_ends_at_its_timeout,
    a_call_whose_statement_stalls_ends_at_its_timeout,
    a_call_on_a_slow_network_ends_at_its_timeout,
    calls_on_a_network_that_stalls_end_at_their_timeout,
    waiting_for_a_connection_ends_at_its_timeout,
    connecting_ends_at_its_timeout,
];

const LIMIT: f64 = 1.5;
/// Enough for a transaction on PostgreSQL too.
const USERS: i64 = 2_500;

/// The promise is the limit and half a second; the rest is for a busy machine.
pub(crate) fn at_most(limit: f64) -> Duration {
    seconds(limit + 0.5 + 0.7)
}

/// Both layouts over both kinds of pools, each behind a proxy of its own.
async fn behind_proxies(database: &TestDatabase) -> Vec<(Handle, Proxy)> {
    let mut handles = Vec::new();
    for layout in LAYOUTS {
        for own in [true, false] {
            let proxy = Proxy::before(&database.url).await;
            let config = SingleTableConfig::new(proxy.url()).with_max_connections(4);
            let config = config.with_operation_timeout(seconds(LIMIT));
            let handle = match own {
                true => handles::own_unmigrated(layout, config).await,
                false => handles::over(&connect(&proxy.url(), 4).await, layout, config),
            };
            handles.push((handle.migrated().await, proxy));
        }
    }
    handles
}

/// An add to many, which ends in time, with any result.
async fn add_ends_in_time(handle: &Handle, what: &str) -> Option<ErrorKind> {
    let name = format!("{}: {what}", handle.name());
    let add = handle.streams.add_stream_item((1..=USERS).collect::<Vec<_>>(), "item");
    let (added, took) = timed(4.0 * LIMIT, &name, add).await;
    let kind = added.err().map(|error| error.kind());
    assert!(took <= at_most(LIMIT), "{name}: {kind:?} took {took:?}");
    kind
}

async fn a_call_that_waits_for_a_lock_ends_at_its_timeout(database: TestDatabase) {
    if database.backend() == DbBackend::Sqlite {
        return;
    }
    let config = database.config().with_operation_timeout(seconds(LIMIT));
    let handles = handles::handles(&config, 4).await;
    join_all(handles.iter().map(|handle| waits(&database, handle))).await;
}

async fn waits(database: &TestDatabase, handle: &Handle) {
    let item = NewItem::new("waits");
    let blocker = Blocker::of_deliveries(database, handle, &[1, 2, USERS], &item).await;
    let adds = [vec![1], vec![2, 3], (10..=USERS).collect()].map(|users| {
        let (name, item) = (format!("{} to {}", handle.name(), users.len()), item.clone());
        async move {
            let add = handle.streams.add_stream_item(users, item);
            let (added, took) = timed(4.0 * LIMIT, &name, add).await;
            let error = added.map(drop).unwrap_err();
            // When the first one is abandoned, the others wait for the row of the item, which may
            // be a deadlock on MySQL.
            let kinds = [ErrorKind::Timeout, ErrorKind::Conflict];
            assert!(kinds.contains(&error.kind()) && error.is_retryable(), "{name}: {error:?}");
            assert!(took <= at_most(LIMIT), "{name}: took {took:?}");
        }
    });
    join_all(adds).await;
    blocker.release().await;
}

async fn a_call_whose_statement_stalls_ends_at_its_timeout(database: TestDatabase) {
    if database.backend() == DbBackend::Sqlite {
        return;
    }
    let handles = behind_proxies(&database).await;
    join_all(handles.iter().map(|(handle, proxy)| async move {
        for text in ["COMMIT", "BEGIN", "INSERT INTO"] {
            proxy.stall_at(text);
            let kind = add_ends_in_time(handle, text).await;
            // Not every layout uses a transaction.
            let expected = proxy.has_held().then_some(ErrorKind::Timeout);
            assert_eq!(kind, expected, "{}: {text}", handle.name());
        }
    }))
    .await;
}

async fn a_call_on_a_slow_network_ends_at_its_timeout(database: TestDatabase) {
    if database.backend() == DbBackend::Sqlite {
        return;
    }
    let handles = behind_proxies(&database).await;
    join_all(handles.iter().map(|(handle, proxy)| async move {
        // Each single statement is fast enough.
        proxy.delay(seconds(0.55));
        add_ends_in_time(handle, "slow").await;
    }))
    .await;
}

async fn calls_on_a_network_that_stalls_end_at_their_timeout(database: TestDatabase) {
    if database.backend() == DbBackend::Sqlite {
        return;
    }
    let handles = behind_proxies(&database).await;
    join_all(handles.iter().map(|(handle, proxy)| async move {
        proxy.stall_all();
        let reads = (0..3).map(|user| async move {
            let read = handle.streams.get_stream_items(user).slice(..5);
            let (items, took) = timed(4.0 * LIMIT, handle.name(), read).await;
            let error = items.map(drop).unwrap_err();
            assert!(error.is_retryable(), "{}: {error:?}", handle.name());
            assert!(took <= at_most(LIMIT), "{}: a read took {took:?}", handle.name());
        });
        tokio::join!(join_all(reads), add_ends_in_time(handle, "stalled"));
    }))
    .await;
}

async fn waiting_for_a_connection_ends_at_its_timeout(database: TestDatabase) {
    if database.backend() == DbBackend::Sqlite {
        return;
    }
    let config = database.config().with_connect_timeout(seconds(0.7));
    for handle in handles::own(&config.with_operation_timeout(seconds(3.0)), 1).await {
        let item = NewItem::new("waits");
        let blocker = Blocker::of_deliveries(&database, &handle, &[1], &item).await;
        let _add = start(handle.streams.add_stream_item(1, item));
        // The only connection is in use before the read starts.
        tokio::time::sleep(seconds(0.2)).await;
        let read = handle.streams.get_stream_items(1).slice(..5);
        let (items, took) = timed(4.0, handle.name(), read).await;
        let error = items.map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{}: {error:?}", handle.name());
        assert!(took <= at_most(0.7), "{}: took {took:?}", handle.name());
        blocker.release().await;
    }
}

async fn connecting_ends_at_its_timeout(database: TestDatabase) {
    if database.backend() == DbBackend::Sqlite {
        return;
    }
    let proxy = Proxy::before(&database.url).await;
    proxy.stall_all();
    let config = SingleTableConfig::new(proxy.url()).with_connect_timeout(seconds(1.0));
    let connecting = Box::pin(ManyToManyBackend::connect(config));
    let (connected, took) = timed(4.0, "connecting", connecting).await;
    let error = connected.map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection, "{error:?}");
    assert!(took <= at_most(1.0), "took {took:?}");
    within(1.0, "the end of the proxy", async { drop(proxy) }).await;
}
