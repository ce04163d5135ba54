//! The metrics of calls, and a recorder of all metrics.

use std::{
    collections::BTreeMap,
    sync::{Mutex, OnceLock, PoisonError},
};

use futures_util::FutureExt;
use metrics_util::{
    MetricKind,
    debugging::{DebugValue, DebuggingRecorder, Snapshotter},
};
use user_streams_core::{MemoryBackend, Streams};

use crate::spans::pending_add;

static SNAPSHOTTER: OnceLock<Snapshotter> = OnceLock::new();
/// What was measured since [`forget`]; a snapshot has what was measured since the one before.
static MEASURED: Mutex<BTreeMap<Key, Measured>> = Mutex::new(BTreeMap::new());

/// The name of a metric, and its labels by name.
pub(crate) type Key = (String, BTreeMap<String, String>);

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Measured {
    pub(crate) kind: MetricKind,
    pub(crate) unit: Option<&'static str>,
    /// The sum of a counter and of a gauge.
    pub(crate) value: f64,
    /// How many values a histogram has.
    pub(crate) count: usize,
}

/// Starts recording.
pub(crate) fn install() {
    let recorder = DebuggingRecorder::new();
    assert!(SNAPSHOTTER.set(recorder.snapshotter()).is_ok());
    recorder.install().unwrap();
}

/// All that was measured.
pub(crate) fn all() -> BTreeMap<Key, Measured> {
    let mut measured = MEASURED.lock().unwrap_or_else(PoisonError::into_inner);
    for (key, unit, _, value) in SNAPSHOTTER.get().unwrap().snapshot().into_vec() {
        let (kind, key) = key.into_parts();
        let labels = key.labels().map(|label| (label.key().to_owned(), label.value().to_owned()));
        let key = (key.name().to_owned(), labels.collect());
        let unit = unit.map(|unit| unit.as_str());
        let total = measured.entry(key).or_insert(Measured { kind, unit, value: 0.0, count: 0 });
        match value {
            DebugValue::Counter(value) => total.value += value as f64,
            DebugValue::Gauge(value) => total.value += *value,
            DebugValue::Histogram(values) => {
                assert!(values.iter().all(|seconds| (0.0..60.0).contains(&**seconds)));
                total.count += values.len();
            }
        }
    }
    measured.clone()
}

/// Forgets what another test has measured.
pub(crate) fn forget() {
    all();
    MEASURED.lock().unwrap_or_else(PoisonError::into_inner).clear();
}

/// The sum over the metrics of this name that have this value of a label.
pub(crate) fn sum(name: &str, label: &str, value: &str) -> f64 {
    let has = |labels: &BTreeMap<String, String>| labels.get(label).is_some_and(|is| is == value);
    let all = all();
    let found = all.iter().filter(|((is, labels), _)| is == name && has(labels));
    found.map(|(_, measured)| measured.value).sum()
}

/// How often each operation was measured, with its error.
fn calls() -> BTreeMap<(String, String), usize> {
    // What other tests have measured is there still, with no values.
    let has_calls = |((name, _), measured): &(Key, Measured)| {
        name == "db.client.operation.duration" && measured.count > 0
    };
    let calls = all().into_iter().filter(has_calls);
    calls
        .map(|((_, mut labels), measured)| {
            assert_eq!(labels.remove("db.system.name").unwrap(), "memory");
            assert_eq!(labels.remove("user_streams.backend").unwrap(), "memory");
            let operation = labels.remove("db.operation.name").unwrap();
            ((operation, labels.remove("error.type").unwrap_or_default()), measured.count)
        })
        .collect()
}

fn active() -> f64 {
    sum("user_streams.active_calls", "user_streams.backend", "memory")
}

pub(crate) async fn calls_by_operation_and_error() {
    let streams = Streams::from_backend(MemoryBackend::default());
    for _ in 0..3 {
        streams.add_stream_item(1, "an item").await.unwrap();
    }
    streams.get_stream_items(1).slice(..2).await.unwrap();
    streams.get_stream_items(1).count().await.unwrap();
    streams.get_stream_items("a text").count().await.unwrap_err();
    streams.purge().await.unwrap_err();
    let expected = [
        ("add_stream_item", "", 3),
        ("count_stream_items", "", 1),
        ("count_stream_items", "InvalidUserId", 1),
        ("get_stream_items", "", 1),
        ("purge", "Unsupported", 1),
    ];
    let expected = expected.map(|(name, error, count)| ((name.into(), error.into()), count));
    assert_eq!(calls(), expected.into());
    assert_eq!(active(), 0.0);
}

pub(crate) async fn a_dropped_call_is_not_active() {
    let streams = Streams::from_backend(MemoryBackend::default());
    let mut add = pending_add(&streams).into_future();
    assert!((&mut add).now_or_never().is_none());
    assert_eq!(active(), 1.0);
    drop(add);
    assert_eq!(active(), 0.0);
    assert_eq!(calls(), [(("add_stream_item".into(), "dropped".into()), 1)].into());
}
