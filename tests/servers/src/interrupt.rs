//! Ctrl-C and termination: a signal only sets a flag, which every loop that waits checks.
//!
//! Its error unwinds as any other does, so every server is stopped in its owner's `Drop`.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, bail};

static HAPPENED: AtomicBool = AtomicBool::new(false);

/// Catches SIGINT, SIGTERM and SIGHUP from here on.
pub fn listen() -> Result<()> {
    ctrlc::set_handler(|| HAPPENED.store(true, Ordering::SeqCst)).context("cannot listen to Ctrl-C")
}

/// Whether a signal has asked us to stop.
pub fn happened() -> bool {
    HAPPENED.load(Ordering::SeqCst)
}

/// Fails once a signal has asked us to stop: every loop that waits calls it.
pub fn check() -> Result<()> {
    if happened() {
        bail!("interrupted");
    }
    Ok(())
}
