//! What is measured of a call.

use super::facade::{self, Gauge, Label, Stopwatch};
use crate::backend::Capabilities;

const DURATION: &str = "db.client.operation.duration";
const ACTIVE_CALLS: &str = "user_streams.active_calls";

pub(super) fn describe() {
    facade::describe_seconds(DURATION, "Duration of calls; those with `error.type` failed");
    facade::describe_gauge(ACTIVE_CALLS, "Calls under way");
}

/// Measures a call from its start.
pub(super) struct CallMetrics {
    labels: Vec<Label>,
    since: Stopwatch,
    active: Gauge,
}

impl CallMetrics {
    pub(super) fn start(capabilities: Capabilities, operation: &'static str) -> Self {
        let labels = vec![
            Label::new("db.system.name", capabilities.system()),
            Label::new("db.operation.name", operation),
            Label::new("user_streams.backend", capabilities.backend()),
        ];
        let active = facade::gauge(ACTIVE_CALLS, labels.clone());
        active.increment(1.0);
        Self { labels, since: Stopwatch::start(), active }
    }

    /// The call has ended; it failed if there is an `error_type`.
    pub(super) fn end(&self, error_type: Option<&str>) {
        let mut labels = self.labels.clone();
        labels.extend(error_type.map(|name| Label::new("error.type", name.to_owned())));
        self.since.record(&facade::histogram(DURATION, labels));
    }
}

impl Drop for CallMetrics {
    fn drop(&mut self) {
        self.active.decrement(1.0);
    }
}
