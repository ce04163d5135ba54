//! The one task of a process that learns of what comes.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::{asking::Asking, board::Board, pause::pause, registry::Subscribers, telling};
use crate::{
    ErrorKind,
    backend::{Backend, Capability, Hint},
};

/// The task while it runs.
pub(super) struct Task {
    root: Arc<dyn Backend>,
    board: Arc<Board>,
    run: u64,
}

impl Task {
    pub(super) fn new(root: Arc<dyn Backend>, board: Arc<Board>) -> Self {
        let run = board.begin();
        board.set_wants_hints(!root.capabilities().has(Capability::Watch));
        Self { root, board, run }
    }

    /// Runs without end. `hints` are of what this process adds, for a backend that does not tell.
    pub(super) async fn run(self, mut hints: mpsc::Receiver<Hint>) {
        let mut failures = 0;
        while self.root.capabilities().has(Capability::Watch) {
            match self.root.watch().await {
                Ok(told) => {
                    failures = 0;
                    self.board.set_connected(self.run, true);
                    // What came before may have been missed.
                    self.board.subscribers(Subscribers::wake_all);
                    telling::pass_on_all(&self.board, told).await;
                }
                Err(error) if error.kind() == ErrorKind::Unsupported => {
                    tracing::warn!(%error, "what comes is asked for, since this cannot tell");
                    self.board.set_wants_hints(true);
                    break;
                }
                Err(_) => failures += 1,
            }
            self.board.set_connected(self.run, false);
            tokio::time::sleep(pause(failures)).await;
        }
        let mut asking = Asking::new();
        loop {
            let is_answered = asking.ask(&self.board).await.is_ok();
            self.board.set_connected(self.run, is_answered);
            asking.wait(&self.board, &mut hints).await;
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.board.end(self.run);
    }
}
