//! Captures every span and event of this process, and every record of `log`, at every level.

use std::{
    collections::BTreeMap,
    fmt::Debug,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt},
    util::SubscriberInitExt,
};

/// A span or an event.
#[derive(Debug, Clone)]
pub(crate) struct Traced {
    id: Option<u64>,
    pub(crate) name: String,
    pub(crate) target: String,
    pub(crate) level: Level,
    /// The names of all fields, whether they have a value or not.
    pub(crate) declared: Vec<&'static str>,
    pub(crate) fields: BTreeMap<&'static str, String>,
    pub(crate) is_closed: bool,
}

impl Traced {
    fn new(metadata: &'static Metadata<'static>, id: Option<u64>) -> Self {
        Self {
            id,
            name: metadata.name().to_owned(),
            target: metadata.target().to_owned(),
            level: *metadata.level(),
            declared: metadata.fields().iter().map(|field| field.name()).collect(),
            fields: BTreeMap::new(),
            is_closed: false,
        }
    }

    pub(crate) fn is_span(&self) -> bool {
        self.id.is_some()
    }

    /// The value of a field.
    pub(crate) fn get(&self, field: &str) -> Option<&str> {
        self.fields.get(field).map(String::as_str)
    }
}

impl Visit for Traced {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.fields.insert(field.name(), format!("{value:?}"));
    }
}

static TRACED: Mutex<Vec<Traced>> = Mutex::new(Vec::new());

fn traced() -> MutexGuard<'static, Vec<Traced>> {
    TRACED.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Capture;

impl<S: Subscriber> Layer<S> for Capture {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, _: Context<'_, S>) {
        let mut span = Traced::new(attributes.metadata(), Some(id.into_u64()));
        attributes.record(&mut span);
        traced().push(span);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        let mut traced = traced();
        // The ids of closed spans are used again.
        let span = traced.iter_mut().rfind(|span| span.id == Some(id.into_u64()));
        values.record(span.unwrap());
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut traced_event = Traced::new(event.metadata(), None);
        event.record(&mut traced_event);
        traced().push(traced_event);
    }

    fn on_close(&self, id: Id, _: Context<'_, S>) {
        let mut traced = traced();
        if let Some(span) = traced.iter_mut().rfind(|span| span.id == Some(id.into_u64())) {
            span.is_closed = true;
        }
    }
}

/// Starts capturing.
pub(crate) fn install() {
    tracing_subscriber::registry().with(Capture).init();
}

/// Forgets what another test has traced.
pub(crate) fn forget() {
    traced().clear();
}

/// All that was traced.
pub(crate) fn all() -> Vec<Traced> {
    traced().clone()
}

/// The spans of calls.
pub(crate) fn spans() -> Vec<Traced> {
    all().into_iter().filter(|traced| traced.is_span() && traced.target == "user_streams").collect()
}
