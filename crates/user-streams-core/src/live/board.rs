//! Who is to be told, and whether everything is.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use super::registry::{Subscribers, Told};
use crate::{Name, UserId, settings::Live};

/// What the task of a hub and its subscribers share.
#[derive(Debug)]
pub(super) struct Board {
    pub(super) settings: Live,
    state: Mutex<State>,
    /// Whether those who add in this process have to tell, which they ask at each add.
    wants_hints: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    subscribers: Subscribers,
    /// Which task that is, so that one that has ended changes nothing any more.
    run: u64,
    is_connected: bool,
}

impl Board {
    pub(super) fn new(settings: Live) -> Self {
        Self { settings, state: Mutex::default(), wants_hints: AtomicBool::new(false) }
    }

    /// Nothing that waits or calls anything of an application's is done while this is held.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the subscribers.
    pub(super) fn subscribers<T>(&self, look: impl FnOnce(&Subscribers) -> T) -> T {
        look(&self.state().subscribers)
    }

    /// Adds or removes some.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Subscribers) -> T) -> T {
        change(&mut self.state().subscribers)
    }

    /// Tells those who have subscribed to the streams of these users.
    pub(super) fn tell(&self, feed: Option<&Name>, users: &[UserId], told: &Told) {
        let state = self.state();
        users.iter().for_each(|user| state.subscribers.tell(feed, user, told));
    }

    /// The number of the task that begins.
    pub(super) fn begin(&self) -> u64 {
        let mut state = self.state();
        state.run += 1;
        state.is_connected = false;
        state.run
    }

    /// Whether everything that is stored from now on is told, as a task says.
    pub(super) fn set_connected(&self, run: u64, is_connected: bool) {
        let mut state = self.state();
        if state.run == run {
            state.is_connected = is_connected;
        }
    }

    /// A task has ended. The subscribers start it anew, in their own runtime.
    pub(super) fn end(&self, run: u64) {
        let mut state = self.state();
        if state.run == run {
            state.is_connected = false;
            state.subscribers.wake_all();
        }
    }

    pub(super) fn is_connected(&self) -> bool {
        self.state().is_connected
    }

    pub(super) fn set_wants_hints(&self, wants: bool) {
        self.wants_hints.store(wants, Ordering::Relaxed);
    }

    pub(super) fn wants_hints(&self) -> bool {
        self.wants_hints.load(Ordering::Relaxed)
    }
}
