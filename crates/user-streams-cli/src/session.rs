//! What every command has: the settings, connections, and what an interruption is to say.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::{Duration, timeout};
use user_streams::{Settings, Streams};

use crate::{
    failure::{End, Failure},
    flags::SettingsFlags,
    output, settings,
};

/// A library's close ends within five seconds.
const CLOSE: Duration = Duration::from_secs(6);

#[derive(Debug)]
pub(crate) struct Session {
    flags: SettingsFlags,
    quiet: bool,
    /// What is to be closed.
    streams: Mutex<Vec<Streams>>,
    notes: Notes,
}

/// What is to be said at an interruption, and how that ends the program.
#[derive(Debug, Clone, Default)]
pub(crate) struct Notes(Arc<Mutex<(Option<End>, String)>>);

impl Notes {
    /// What is to be said from now on.
    pub(crate) fn if_interrupted(&self, text: impl Into<String>) {
        lock(&self.0).1 = text.into();
    }
}

impl Session {
    pub(crate) fn new(flags: SettingsFlags, quiet: bool) -> Self {
        Self { flags, quiet, streams: Mutex::default(), notes: Notes::default() }
    }

    /// The flags of the settings.
    pub(crate) fn flags(&self) -> &SettingsFlags {
        &self.flags
    }

    /// Connects to what the settings name.
    pub(crate) async fn connect(&self) -> Result<Streams, Failure> {
        self.connect_to(settings::settings(&self.flags)?).await
    }

    /// Connects with these settings.
    pub(crate) async fn connect_to(&self, settings: Settings) -> Result<Streams, Failure> {
        let streams = Streams::connect(settings).await?;
        lock(&self.streams).push(streams.clone());
        Ok(streams)
    }

    /// Whether nothing but errors is to be said.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Says something that is no result.
    pub(crate) fn remark(&self, text: impl std::fmt::Display) {
        if !self.quiet {
            output::remark(text);
        }
    }

    /// What is to be said if the command is interrupted from now on.
    pub(crate) fn if_interrupted(&self, text: impl Into<String>) {
        self.notes.if_interrupted(text);
    }

    /// The same, for what reports while a call is under way.
    pub(crate) fn notes(&self) -> Notes {
        self.notes.clone()
    }

    /// An interruption is how this command is meant to end.
    pub(crate) fn until_interrupted(&self) {
        lock(&self.notes.0).0 = Some(End::Quiet);
    }

    /// The end of a command that a signal has interrupted.
    pub(crate) fn interrupted(&self, signal: u8) -> Failure {
        let (end, text) = &*lock(&self.notes.0);
        let text = if text.is_empty() { "nothing more is done" } else { text };
        let message = format!("interrupted: {text}");
        Failure::new(end.unwrap_or(End::Interrupted(signal)), message)
    }

    /// Closes what was connected.
    pub(crate) async fn close(&self) {
        let streams: Vec<_> = lock(&self.streams).drain(..).collect();
        for streams in streams {
            // What there was to say has been said.
            let _ = timeout(CLOSE, streams.close()).await;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
