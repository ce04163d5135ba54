//! Dropped calls, as in an HTTP server: each connection returns to the pool.

use std::{future::poll_fn, pin::pin, task::Poll, time::Duration};

use futures_util::future::join_all;
use sea_orm::DbBackend;
use tokio::time::{sleep, timeout};
use user_streams_core::{NewItem, Streams};
use user_streams_single_table::SingleTableConfig;

use super::{
    eventually,
    handles::{self, Handle, LAYOUTS},
    proxy::Proxy,
    seconds, sessions, within,
};
use crate::database::{TestDatabase, connect};

crate::tests![
    a_call_dropped_before_its_answer_returns_its_connection,
    many_dropped_reads_cost_no_connection,
    many_dropped_adds_cost_no_connection,
    many_dropped_calls_open_no_more_sessions_than_the_pool_has,
    a_database_in_memory_keeps_its_data_whatever_is_dropped,
];

/// Uses every connection of the pool concurrently.
async fn all_connections_work(handle: &Handle, connections: i64) {
    let name = format!("{}: calls after the dropped ones", handle.name());
    let calls = (0..2 * connections).map(|number| async move {
        assert_eq!(handle.add(1_000 + number, "after").await, 1);
        assert_eq!(handle.contents(1_000 + number).await[0], "after");
    });
    within(6.0, name, join_all(calls)).await;
}

async fn a_call_dropped_before_its_answer_returns_its_connection(database: TestDatabase) {
    if database.backend() == DbBackend::Sqlite {
        return;
    }
    let handles = LAYOUTS.into_iter().flat_map(|layout| [(layout, true), (layout, false)]);
    join_all(handles.map(|(layout, own)| {
        let database = &database;
        async move {
            let proxy = Proxy::before(&database.url).await;
            let config = SingleTableConfig::new(proxy.url()).with_connect_timeout(seconds(2.0));
            let handle = if own {
                handles::own_unmigrated(layout, config.with_max_connections(2)).await
            } else {
                handles::over(&connect(&proxy.url(), 2).await, layout, config)
            };
            drop_before_answers(&handle.migrated().await, &proxy).await;
        }
    }))
    .await;
}

/// Drops each kind of call while the proxy holds the answer to its statement.
async fn drop_before_answers(handle: &Handle, proxy: &Proxy) {
    let (streams, mut held) = (&handle.streams, 0);
    // Some answers come within the grace period, some after it.
    for answer_after in [0.0, 0.6, 0.1, 0.6] {
        let add = async { drop(streams.add_stream_item(1, "dropped").await) };
        held += u32::from(drop_when_held(proxy, "INSERT INTO", add, answer_after).await);
        let read = async { drop(streams.get_stream_items(1).slice(..5).await) };
        held += u32::from(drop_when_held(proxy, "LIMIT", read, answer_after).await);
    }
    // A connection that has survived has prepared its statements, and sends no text any more.
    assert!(held >= 2, "{}: too few answers were held: {held}", handle.name());
    all_connections_work(handle, 2).await;
}

/// Whether the proxy has held it. A call that fails, or gets no connection, ends by itself.
async fn drop_when_held(
    proxy: &Proxy,
    text: &str,
    call: impl Future<Output = ()>,
    answer_after: f64,
) -> bool {
    proxy.hold_answers_to(text);
    tokio::select! {
        _ = timeout(seconds(3.0), call) => {}
        () = proxy.held() => {}
    }
    let held = proxy.has_held();
    sleep(seconds(answer_after)).await;
    proxy.release();
    held
}

/// Many concurrent calls, each dropped at some moment: after some polls, or in its first
/// milliseconds.
pub(crate) async fn storm<F>(
    streams: &Streams,
    rounds: usize,
    call: impl Fn(Streams, i64) -> F + Copy + Send + 'static,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let tasks = (0..16).map(|task| {
        let streams = streams.clone();
        tokio::spawn(async move {
            let mut random = fastrand::Rng::with_seed(task);
            for round in 0..rounds {
                let call = call(streams.clone(), round as i64 % 8);
                let limit = Duration::from_micros(random.u64(0..3_000));
                let polls = if round % 2 == 0 { random.u32(1..12) } else { u32::MAX };
                let _ = timeout(limit, some_polls(call, polls)).await;
            }
        })
    });
    for task in join_all(tasks).await {
        task.unwrap();
    }
}

/// Polls the call at most so many times, and drops it.
async fn some_polls(call: impl Future<Output = ()>, polls: u32) {
    let mut call = pin!(call);
    let mut left = polls;
    poll_fn(|context| match call.as_mut().poll(context) {
        Poll::Pending if left > 1 => {
            left -= 1;
            Poll::Pending
        }
        _ => Poll::Ready(()),
    })
    .await;
}

async fn read(streams: Streams, user: i64) {
    drop(streams.get_stream_items(user).slice(..5).await);
    drop(streams.get_stream_items(user).count().await);
}

async fn add(streams: Streams, user: i64) {
    drop(streams.add_stream_item([user, user + 8], "dropped").await);
}

pub(crate) async fn add_and_read(streams: Streams, user: i64) {
    add(streams.clone(), user).await;
    read(streams, user).await;
}

async fn many_dropped_reads_cost_no_connection(database: TestDatabase) {
    let config = database.config().with_connect_timeout(seconds(3.0));
    for handle in handles::handles(&config, 5).await {
        storm(&handle.streams, 300, read).await;
        all_connections_work(&handle, 5).await;
    }
}

async fn many_dropped_adds_cost_no_connection(database: TestDatabase) {
    let config = database.config().with_connect_timeout(seconds(3.0));
    for handle in handles::handles(&config, 5).await {
        storm(&handle.streams, 100, add).await;
        all_connections_work(&handle, 5).await;
    }
}

async fn many_dropped_calls_open_no_more_sessions_than_the_pool_has(database: TestDatabase) {
    if database.backend() == DbBackend::Sqlite {
        return;
    }
    let observer = connect(&database.url, 1).await;
    let others = sessions::count(&observer).await;
    for layout in LAYOUTS {
        let config = database.config().with_max_connections(5);
        let handle = handles::own_unmigrated(layout, config).await.migrated().await;
        let mut most = 0;
        let mut storm = pin!(storm(&handle.streams, 60, add_and_read));
        while timeout(Duration::from_millis(20), storm.as_mut()).await.is_err() {
            most = most.max(sessions::count(&observer).await - others);
        }
        assert!(most <= 5 + 2, "{}: {most} sessions for a pool of 5", handle.name());
        within(5.0, handle.name(), handle.streams.close()).await.unwrap();
        let closed = async || sessions::count(&observer).await == others;
        eventually(5.0, "every session has ended", closed).await;
    }
}

async fn a_database_in_memory_keeps_its_data_whatever_is_dropped(database: TestDatabase) {
    if database.backend() != DbBackend::Sqlite {
        return;
    }
    for handle in handles::own(&SingleTableConfig::new("sqlite::memory:"), 1).await {
        let (item, name) = (NewItem::new("kept"), handle.name());
        handle.add([100, 101], item.clone()).await;
        storm(&handle.streams, 60, |streams, user| async move {
            drop(streams.add_stream_item((user..user + 3_000).collect::<Vec<_>>(), "x").await);
            drop(streams.get_stream_items(user).slice(..5).await);
        })
        .await;
        let again = within(8.0, name, handle.streams.add_stream_item([100, 101], item)).await;
        assert_eq!(again.unwrap_or_else(|error| panic!("{name}: {error:?}")).delivered, 0);
    }
}
