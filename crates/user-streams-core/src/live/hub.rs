//! Subscribing, and the task that runs while anyone is subscribed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::{sync::mpsc, task::AbortHandle};

use super::{
    board::Board,
    registry::{Subscribed, Subscribers},
    signal::Signal,
    task::Task,
};
use crate::{
    Name, UserId,
    backend::{Backend, Hint},
    settings::Live,
};

/// How many adds of this process are waited for. Beyond it, subscribers read again what there is.
const MAX_HINTS: usize = 1_024;

/// Who has subscribed to streams of a backend in this process, and the task that wakes them.
#[derive(Debug)]
pub(crate) struct Hub {
    root: Arc<dyn Backend>,
    board: Arc<Board>,
    running: Mutex<Option<Running>>,
}

#[derive(Debug)]
struct Running {
    task: AbortHandle,
    hints: mpsc::Sender<Hint>,
}

impl Hub {
    pub(crate) fn new(root: Arc<dyn Backend>, settings: Live) -> Arc<Self> {
        Arc::new(Self { root, board: Arc::new(Board::new(settings)), running: Mutex::default() })
    }

    /// The same backend with other settings.
    pub(crate) fn with(&self, change: impl FnOnce(&mut Live)) -> Arc<Self> {
        let mut settings = self.board.settings;
        change(&mut settings);
        Self::new(Arc::clone(&self.root), settings)
    }

    pub(crate) fn settings(&self) -> &Live {
        &self.board.settings
    }

    /// Wakes this subscriber from now on when something comes into one of these streams.
    pub(crate) fn register(
        self: &Arc<Self>,
        streams: Vec<Subscribed>,
        signal: &Arc<Signal>,
    ) -> Registration {
        let mut running = self.running();
        let number = self.board.change(|subscribers| subscribers.add(&streams, signal));
        self.run(&mut running);
        drop(running);
        Registration { hub: Arc::clone(self), streams, number }
    }

    /// Starts the task if it has ended, such as with the runtime that it was in.
    pub(crate) fn ensure_running(&self) {
        self.run(&mut self.running());
    }

    fn run(&self, running: &mut Option<Running>) {
        if running.as_ref().is_some_and(|running| !running.task.is_finished()) {
            return;
        }
        let (hints, told) = mpsc::channel(MAX_HINTS);
        let task = Task::new(Arc::clone(&self.root), Arc::clone(&self.board));
        *running = Some(Running { task: tokio::spawn(task.run(told)).abort_handle(), hints });
    }

    /// Whether everything that is stored now will be told.
    pub(crate) fn is_connected(&self) -> bool {
        self.board.is_connected()
    }

    /// What this process has to tell if it adds for these users, or for nobody knows whom: nothing
    /// if none of them has subscribed, or if the backend tells.
    pub(crate) fn wants(&self, feed: Option<&Name>, users: Option<&[UserId]>) -> Option<Hint> {
        if !self.board.wants_hints() {
            return None;
        }
        let (_, among) = self.board.subscribers(|subscribers| subscribers.among(feed, users))?;
        let hint = Hint::new(feed.cloned());
        Some(if users.is_some() { hint.with_users(among) } else { hint })
    }

    /// Tells what this process has added.
    pub(crate) fn tell(&self, hint: Hint) {
        let running = self.running();
        let hints = running.as_ref().map(|running| &running.hints);
        if hints.is_some_and(|hints| hints.try_send(hint).is_err()) {
            self.board.subscribers(Subscribers::wake_all);
        }
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A subscriber of some streams, until it is dropped.
#[derive(Debug)]
pub(crate) struct Registration {
    hub: Arc<Hub>,
    streams: Vec<Subscribed>,
    number: u64,
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut running = self.hub.running();
        let is_last = self.hub.board.change(|subscribers| {
            subscribers.remove(&self.streams, self.number);
            subscribers.is_empty()
        });
        if is_last {
            self.hub.board.set_wants_hints(false);
            if let Some(running) = running.take() {
                running.task.abort();
            }
        }
    }
}
