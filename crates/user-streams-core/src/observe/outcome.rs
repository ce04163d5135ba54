//! What a span tells of a result: how many, and never which.

use tracing::Span;

use crate::{Cursor, Delivery, StreamItem, backend::UsersPage};

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

impl Outcome for bool {
    fn record(&self, _: &Span) {}
}

impl Outcome for Vec<bool> {
    fn record(&self, _: &Span) {}
}

impl Outcome for Option<Cursor> {
    fn record(&self, _: &Span) {}
}

impl Outcome for UsersPage {
    fn record(&self, span: &Span) {
        span.record("db.response.returned_rows", self.users.len());
    }
}
