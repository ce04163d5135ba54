//! One call of an operation: its span, its metrics, and the names in its error.

use tracing::{Instrument, Level, Span, enabled, event};

use super::{
    call_metrics::CallMetrics,
    operation::{Attributes, Operation, TARGET},
    outcome::Outcome,
};
use crate::{Result, UserId, backend::Capabilities};

/// The `error.type` of a call whose future was dropped before its end, or panicked. That of another
/// one is the name of its `ErrorKind`.
const DROPPED: &str = "dropped";

/// A call that is about to be made.
#[must_use = "it is made by `run`"]
pub(crate) struct Call {
    operation: Operation,
    attributes: Attributes,
    /// Known only where TRACE is enabled.
    user: Option<UserId>,
}

impl Call {
    pub(crate) fn new(capabilities: Capabilities, operation: Operation) -> Self {
        let attributes = Attributes { capabilities, in_transaction: false, recipients: None };
        Self { operation, attributes, user: None }
    }

    /// Whose stream it is about: shown by an event at TRACE and by nothing else.
    pub(crate) fn of(mut self, user: &UserId) -> Self {
        self.user = enabled!(target: TARGET, Level::TRACE).then(|| user.clone());
        self
    }

    /// The recipients, if they are known.
    pub(crate) fn to(mut self, recipients: Option<&[UserId]>) -> Self {
        self.attributes.recipients = recipients.map(<[_]>::len);
        match recipients {
            Some([only]) => self.of(only),
            _ => self,
        }
    }

    pub(crate) fn in_transaction(mut self, in_transaction: bool) -> Self {
        self.attributes.in_transaction = in_transaction;
        self
    }

    /// Makes the call.
    pub(crate) async fn run<T: Outcome>(self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let Self { operation, attributes, user } = self;
        let mut running = Running {
            span: operation.span(&attributes),
            metrics: CallMetrics::start(attributes.capabilities, operation.name()),
            has_ended: false,
        };
        if let Some(user) = user {
            event!(target: TARGET, parent: &running.span, Level::TRACE, user_streams.user = %user);
        }
        let result = work.instrument(running.span.clone()).await;
        running.end(&result);
        let backend = attributes.capabilities.backend();
        result.map_err(|error| error.with_backend(backend).with_operation(operation.name()))
    }
}

/// A call until its end, whichever that is.
struct Running {
    span: Span,
    metrics: CallMetrics,
    has_ended: bool,
}

impl Running {
    fn end<T: Outcome>(&mut self, result: &Result<T>) {
        self.has_ended = true;
        match result {
            Ok(outcome) => {
                outcome.record(&self.span);
                self.metrics.end(None);
            }
            // Its message may name a user.
            Err(error) => self.fail(&format!("{:?}", error.kind())),
        }
    }

    fn fail(&self, error_type: &str) {
        self.span.record("error.type", error_type);
        self.span.record("otel.status_code", "ERROR");
        self.metrics.end(Some(error_type));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.has_ended {
            self.fail(DROPPED);
        }
    }
}
