//! The facade `metrics`, as far as it is used. Without the feature, `no_facade.rs` is in its place.

use std::time::Instant;

pub(super) use metrics::{Counter, Gauge, Histogram, Label};

pub(super) fn counter(name: &'static str, labels: Vec<Label>) -> Counter {
    metrics::counter!(name, labels)
}

pub(super) fn gauge(name: &'static str, labels: Vec<Label>) -> Gauge {
    metrics::gauge!(name, labels)
}

pub(super) fn histogram(name: &'static str, labels: Vec<Label>) -> Histogram {
    metrics::histogram!(name, labels)
}

pub(super) fn describe_counter(name: &'static str, description: &'static str) {
    metrics::describe_counter!(name, metrics::Unit::Count, description);
}

pub(super) fn describe_gauge(name: &'static str, description: &'static str) {
    metrics::describe_gauge!(name, metrics::Unit::Count, description);
}

pub(super) fn describe_seconds(name: &'static str, description: &'static str) {
    metrics::describe_histogram!(name, metrics::Unit::Seconds, description);
}

/// A clock that is read only if something is measured.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stopwatch(Instant);

impl Stopwatch {
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    pub(super) fn record(self, histogram: &Histogram) {
        histogram.record(self.0.elapsed());
    }
}
