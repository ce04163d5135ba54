//! The warnings of this process.

use std::{
    io,
    sync::{Mutex, PoisonError},
};

static SEEN: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Writer;

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        SEEN.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Captures them from now on.
pub(crate) fn capture() {
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::WARN)
        .with_ansi(false)
        .with_writer(|| Writer)
        .init();
}

/// The lines with these words.
pub(super) fn seen(words: &str) -> Vec<String> {
    let seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    let seen = String::from_utf8_lossy(&seen);
    seen.lines().filter(|line| line.contains(words)).map(ToOwned::to_owned).collect()
}
