//! What a thread has under way.

use std::{
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

use super::queue::Answer;

/// What the thread does now, which SQLite looks at during long statements.
#[derive(Default)]
pub(super) struct Work {
    /// Whom the statement under way is for.
    current: Option<oneshot::Sender<Answer>>,
    /// Answers that go together with the next ones.
    kept: Vec<(oneshot::Sender<Answer>, Answer)>,
}

impl Work {
    /// Called now and then during a long statement: what is kept for others goes at once, and
    /// whether the statement is to end since nobody waits for it.
    pub(super) fn is_in_vain(work: &Mutex<Self>) -> bool {
        let mut work = locked(work);
        work.answer();
        work.current.as_ref().is_some_and(oneshot::Sender::is_closed)
    }

    /// A statement begins.
    pub(super) fn begin(&mut self, caller: oneshot::Sender<Answer>) {
        self.current = Some(caller);
    }

    /// It has ended: its answer is kept for the moment.
    pub(super) fn keep(&mut self, answer: Answer) {
        self.kept.extend(self.current.take().map(|caller| (caller, answer)));
    }

    /// How many answers are kept.
    pub(super) fn kept(&self) -> usize {
        self.kept.len()
    }

    /// Gives the answers that are kept. A caller may have gone.
    pub(super) fn answer(&mut self) {
        for (caller, answer) in mem::take(&mut self.kept) {
            drop(caller.send(answer));
        }
    }
}

pub(super) fn locked(work: &Mutex<Work>) -> MutexGuard<'_, Work> {
    work.lock().unwrap_or_else(PoisonError::into_inner)
}
