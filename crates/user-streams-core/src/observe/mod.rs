//! How calls and connections are watched: spans of `tracing`, and metrics by the facade `metrics`.

mod call;
mod call_metrics;
mod connections;
#[cfg(feature = "metrics")]
mod facade;
#[cfg(not(feature = "metrics"))]
#[path = "no_facade.rs"]
mod facade;
mod operation;
mod outcome;

pub(crate) use call::Call;
pub use connections::{ConnectionMetrics, OpenConnection, UsedConnection, WaitingCall};
pub(crate) use operation::Operation;
pub(crate) use outcome::Outcome;

/// Gives the recorder that is installed by now the units and descriptions of the metrics.
pub(crate) fn describe_metrics() {
    call_metrics::describe();
    connections::describe();
}
