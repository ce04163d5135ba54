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
        let (mut failures, mut asking) = (0, None);
        while self.root.capabilities().has(Capability::Watch) {
            match self.root.watch().await {
                Ok(told) => {
                    (failures, asking) = (0, None);
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
            // Until it tells again it is asked.
            let asked = self.ask(asking.get_or_insert_with(Asking::new), &mut hints);
            let _ = tokio::time::timeout(pause(failures), asked).await;
        }
        self.ask(&mut Asking::new(), &mut hints).await;
    }

    async fn ask(&self, asking: &mut Asking, hints: &mut mpsc::Receiver<Hint>) {
        loop {
            let is_answered = asking.ask(&self.board).await.is_ok();
            self.board.set_connected(self.run, is_answered);
            asking.wait(&self.board, hints).await;
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.board.end(self.run);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::StreamExt;

    use crate::{
        Delivery, Error, ErrorKind, MemoryBackend, Result, StreamItem, Streams,
        backend::{
            AddStreamItem, Backend, Capabilities, Capability, CountQuery, Hints, StreamQuery,
        },
    };

    /// A server that lets nobody watch, since it is full.
    #[derive(Debug, Default)]
    struct Full(MemoryBackend);

    #[async_trait::async_trait]
    impl Backend for Full {
        fn capabilities(&self) -> Capabilities {
            let user_id = self.0.capabilities().user_id();
            Capabilities::new("full", user_id).with(Capability::Watch)
        }

        async fn add_stream_item(&self, args: AddStreamItem) -> Result<Delivery> {
            self.0.add_stream_item(args).await
        }

        async fn get_stream_items(&self, query: StreamQuery) -> Result<Vec<StreamItem>> {
            self.0.get_stream_items(query).await
        }

        async fn count_stream_items(&self, query: CountQuery) -> Result<u64> {
            self.0.count_stream_items(query).await
        }

        async fn watch(&self) -> Result<Hints> {
            Err(Error::new(ErrorKind::Connection, "too many connections"))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn while_watching_fails_what_comes_is_asked_for() {
        let streams = Streams::from_backend(Full::default());
        let mut items = streams.get_stream_items(1).subscribe();
        for content in ["first", "second"] {
            let next = async {
                // It subscribes when it is polled first.
                let added = async {
                    tokio::time::sleep(Duration::from_secs(60)).await;
                    streams.add_stream_item(1, content).await
                };
                futures_util::future::join(items.next(), added).await.0
            };
            let item = tokio::time::timeout(Duration::from_secs(70), next).await.unwrap();
            assert_eq!(item.unwrap().unwrap().content, content);
        }
    }
}
