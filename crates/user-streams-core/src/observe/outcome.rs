//! What a span tells of a result: how many, and never which.

use tracing::Span;

use crate::{Delivery, StreamItem};

/// The result of a successful operation.
pub(crate) trait Outcome {
    fn record(&self, span: &Span);
}

impl Outcome for () {
    fn record(&self, _: &Span) {}
}

impl Outcome for Delivery {
    fn record(&self, span: &Span) {
        span.record("user_streams.delivered", self.delivered);
    }
}

impl Outcome for Vec<StreamItem> {
    fn record(&self, span: &Span) {
        span.record("db.response.returned_rows", self.len());
    }
}

/// A number of items: counted or deleted.
impl Outcome for u64 {
    fn record(&self, span: &Span) {
        span.record("user_streams.items", self);
    }
}
