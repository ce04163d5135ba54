//! The reads that wait for a thread.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use sea_orm::Value;
use sqlx::Error as SqlxError;
use tokio::sync::oneshot;

use crate::row::ResultRow;

/// What a statement gives.
pub(super) type Answer = Result<Vec<ResultRow>, SqlxError>;

/// A statement that reads.
pub(super) struct Read {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
    /// Whom it is for. Closed once nobody waits for it.
    pub(super) caller: oneshot::Sender<Answer>,
}

/// What all threads of a pool take from. It is as long as its pool lets calls in.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    reads: VecDeque<Read>,
    /// How many threads wait for a read.
    idle: usize,
    is_closed: bool,
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether no thread waits for a read.
    pub(super) fn is_busy(&self) -> bool {
        self.state().idle == 0
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state().is_closed
    }

    /// Adds a read; false if the queue is closed.
    pub(super) fn push(&self, read: Read) -> bool {
        let mut state = self.state();
        if state.is_closed {
            return false;
        }
        state.reads.push_back(read);
        if state.idle > 0 {
            self.wake.notify_one();
        }
        true
    }

    /// The next read, if one waits.
    pub(super) fn take(&self) -> Option<Read> {
        self.state().reads.pop_front()
    }

    /// Waits for the next read; none once the queue is closed.
    pub(super) fn wait(&self) -> Option<Read> {
        let mut state = self.state();
        loop {
            if let Some(read) = state.reads.pop_front() {
                return Some(read);
            }
            if state.is_closed {
                return None;
            }
            state.idle += 1;
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }

    /// Ends the threads. What waits gets no answer.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.is_closed = true;
        let waiting = std::mem::take(&mut state.reads);
        drop(state);
        drop(waiting);
        self.wake.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, thread};

    use super::*;

    fn read(sql: &str) -> (Read, oneshot::Receiver<Answer>) {
        let (caller, answer) = oneshot::channel();
        (Read { sql: sql.to_owned(), values: Vec::new(), caller }, answer)
    }

    #[test]
    fn reads_are_taken_in_their_order_and_one_wakes_a_thread() {
        let queue = Arc::new(Queue::default());
        let taken = {
            let queue = Arc::clone(&queue);
            thread::spawn(move || queue.wait().map(|read| read.sql))
        };
        while queue.is_busy() {
            thread::yield_now();
        }
        assert!(queue.push(read("a").0));
        assert_eq!(taken.join().unwrap().as_deref(), Some("a"));
        assert!(queue.push(read("b").0) && queue.push(read("c").0));
        assert_eq!(queue.take().unwrap().sql, "b");
        assert_eq!(queue.wait().unwrap().sql, "c");
        assert!(queue.take().is_none());
    }

    #[test]
    fn a_closed_queue_ends_its_threads_and_what_waits() {
        let queue = Queue::default();
        let (waiting, mut answer) = read("a");
        assert!(queue.push(waiting));
        queue.close();
        assert!(queue.wait().is_none());
        assert!(!queue.push(read("b").0));
        assert!(matches!(answer.try_recv(), Err(oneshot::error::TryRecvError::Closed)));
    }
}
