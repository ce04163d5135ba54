//! Captures everything that is traced or logged in this process, with every field, at every level,
//! and every panic, with its backtrace.

use std::{
    backtrace::Backtrace,
    io::{self, Write},
    panic,
    sync::{Mutex, PoisonError},
    thread,
};

use tracing_subscriber::fmt::{MakeWriter, format::FmtSpan};

use crate::shown;

static SEEN: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Seen;

impl Write for Seen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        SEEN.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Seen {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        Self
    }
}

/// Starts capturing.
pub(crate) fn install() {
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(FmtSpan::FULL)
        .with_ansi(false)
        .with_writer(Seen)
        .init();
    let report = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        _ = writeln!(Seen, "{panic}\n{}", Backtrace::force_capture());
        report(panic);
    }));
}

/// Discards what another test has traced.
pub(crate) fn forget() {
    SEEN.lock().unwrap_or_else(PoisonError::into_inner).clear();
}

pub(crate) fn seen() -> String {
    let seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    String::from_utf8_lossy(&seen).into_owned()
}

/// Tests the capture itself: it sees an event, a field of a span, a record of `log`, and a panic
/// of another thread.
pub(crate) async fn the_capture_sees_what_is_traced_and_panics() {
    let marks =
        ["a mark of an event", "a mark of a span", "a mark of a record", "a mark of a panic"];
    tracing::trace!("{}", marks[0]);
    drop(tracing::trace_span!("span", field = marks[1]).entered());
    log::trace!("{}", marks[2]);
    assert!(thread::spawn(move || panic!("{}", marks[3])).join().is_err());
    let seen = seen();
    for mark in marks {
        assert!(seen.contains(mark), "{mark}");
    }
    assert!(
        shown::is_leak("a S3CR3T") && shown::is_leak("otS33%2Btb") && !shown::is_leak("a secret")
    );
}
