//! The spans of calls.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    task::{Context, Waker},
    time::Duration,
};

use futures_util::{FutureExt, stream};
use sea_orm::{Database, TransactionTrait};
use tokio::time::{sleep, timeout};
use tracing::Level;
use user_streams_core::{MemoryBackend, Recipients, Streams};
use user_streams_single_table::{SingleTableBackend, SingleTableConfig};

use crate::{
    capture::{self, Traced},
    stores,
};

/// The spans since the last look, each as its name and those of these fields that it has.
async fn told(fields: &[&str]) -> Vec<String> {
    // A driver's task may have a handle of a span for a moment longer.
    let are_closed = async {
        while !capture::spans().iter().all(|span| span.is_closed) {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(10), are_closed).await.expect("an open span");
    let shown = |span: Traced| {
        assert_eq!(span.level, Level::DEBUG);
        assert_eq!(span.get("otel.kind"), Some("client"));
        assert_eq!(span.get("db.operation.name"), Some(&*span.name));
        let told = fields.iter().filter_map(|field| {
            let value = span.get(&format!("user_streams.{field}")).or_else(|| span.get(field))?;
            Some(format!(" {field}={value}"))
        });
        span.name.clone() + &told.collect::<String>()
    };
    let told = capture::spans().into_iter().map(shown).collect();
    capture::forget();
    told
}

const FIELDS: &[&str] = &[
    "db.system.name",
    "backend",
    "recipients",
    "delivered",
    "db.response.returned_rows",
    "items",
    "error.type",
    "otel.status_code",
];

pub(crate) async fn an_operation_tells_how_many() {
    let directory = tempfile::tempdir().unwrap();
    let streams = stores::sqlite(&directory).await;
    capture::forget();
    streams.migrate().await.unwrap();
    streams.add_stream_item(1, "one").await.unwrap();
    streams.add_stream_item([1, 2, 2], "more").await.unwrap();
    streams.add_stream_item(Recipients::iter(1..=500_i64), "a stream").await.unwrap();
    let items = streams.get_stream_items(1);
    assert_eq!(items.count().await.unwrap(), 3);
    assert_eq!(items.slice(..2).await.unwrap().len(), 2);
    streams.ping().await.unwrap();
    assert_eq!(streams.delete_stream(1).await.unwrap(), 3);
    streams.close().await.unwrap();
    let on = "db.system.name=sqlite backend=single-table";
    assert_eq!(
        told(FIELDS).await,
        [
            format!("migrate {on}"),
            format!("add_stream_item {on} recipients=1 delivered=1"),
            format!("add_stream_item {on} recipients=3 delivered=2"),
            format!("add_stream_item {on} delivered=500"),
            format!("count_stream_items {on} items=3"),
            format!("get_stream_items {on} db.response.returned_rows=2"),
            format!("ping {on}"),
            format!("delete_stream {on} items=3"),
            format!("close {on}"),
        ]
    );
}

pub(crate) async fn within_a_transaction() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/a.db?mode=rwc", directory.path().display());
    let database = Database::connect(url).await.unwrap();
    let backend = SingleTableBackend::new(database.clone(), SingleTableConfig::default()).unwrap();
    let streams = Streams::from_backend(backend);
    streams.migrate().await.unwrap();
    capture::forget();
    let transaction = database.begin().await.unwrap();
    let within = streams.in_transaction(&transaction).unwrap();
    within.add_stream_item([1, 2], "within").await.unwrap();
    assert_eq!(within.delete_stream(1).await.unwrap(), 1);
    transaction.commit().await.unwrap();
    assert_eq!(streams.get_stream_items(2).count().await.unwrap(), 1);
    assert_eq!(
        told(&["in_transaction", "delivered", "items"]).await,
        [
            "add_stream_item in_transaction=true delivered=2",
            "delete_stream in_transaction=true items=1",
            "count_stream_items items=1",
        ]
    );
}

pub(crate) async fn an_error_is_told_by_its_kind() {
    let streams = Streams::from_backend(MemoryBackend::default());
    streams.purge().await.unwrap_err();
    streams.repair_stream("a text").await.unwrap_err();
    streams.add_stream_item(1, "\0").await.unwrap_err();
    streams.get_stream_items("a text").slice(..1).await.unwrap_err();
    let on = "db.system.name=memory backend=memory";
    let failed = |kind| format!("error.type={kind} otel.status_code=ERROR");
    assert_eq!(
        told(FIELDS).await,
        [
            format!("purge {on} {}", failed("Unsupported")),
            format!("repair_stream {on} {}", failed("InvalidUserId")),
            format!("add_stream_item {on} recipients=1 {}", failed("InvalidContent")),
            format!("get_stream_items {on} {}", failed("InvalidUserId")),
        ]
    );
}

/// An add that waits for its recipients.
pub(crate) fn pending_add(streams: &Streams) -> user_streams_core::Add<'static> {
    streams.add_stream_item(Recipients::stream(stream::pending::<i64>()), "an item")
}

pub(crate) async fn a_dropped_call_is_told() {
    let streams = Streams::from_backend(MemoryBackend::default());
    assert!(pending_add(&streams).into_future().now_or_never().is_none());
    let panics = (0..1_i64).map(|_| -> i64 { panic!("on purpose") });
    let mut add = streams.add_stream_item(Recipients::iter(panics), "an item").into_future();
    let mut context = Context::from_waker(Waker::noop());
    assert!(catch_unwind(AssertUnwindSafe(|| add.as_mut().poll(&mut context))).is_err());
    drop(add);
    let dropped = "add_stream_item error.type=dropped otel.status_code=ERROR";
    assert_eq!(told(&["error.type", "otel.status_code"]).await, [dropped, dropped]);
}

pub(crate) async fn a_user_is_told_at_trace() {
    let streams = Streams::from_backend(MemoryBackend::default());
    streams.add_stream_item(7, "an item").await.unwrap();
    streams.add_stream_item([8, 9], "an item").await.unwrap();
    streams.get_stream_items(10).count().await.unwrap();
    let events = capture::all().into_iter().filter(|traced| !traced.is_span());
    let told: Vec<_> = events
        .map(|event| {
            assert_eq!((event.level, &*event.target), (Level::TRACE, "user_streams"));
            event.get("user_streams.user").unwrap().to_owned()
        })
        .collect();
    assert_eq!(told, ["7", "10"]);
}
