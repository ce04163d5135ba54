//! Hints of what comes, by the messages that are published with it.

use std::{collections::VecDeque, sync::Arc};

use futures_util::{StreamExt, stream};
use user_streams_core::{
    Error, Name, Result,
    backend::{Hint, Hints},
};

use super::store::{Live, Store};
use crate::{
    client::{Executor, Messages},
    config::NAME,
    storage::notice,
};

/// The hints from now on. `feeds` are the names of those that are in use.
pub(crate) async fn watch(
    store: &Store,
    feeds: impl Fn() -> Vec<Name> + Send + 'static,
) -> Result<Hints> {
    let Some(Live { keys, .. }) = &store.live else {
        return Err(Error::unsupported(NAME, "watch"));
    };
    let messages = store.executor.watch(keys.channel(), |slot| keys.channel_of(slot)).await?;
    let executor = Arc::clone(&store.executor);
    let watched = Watched { messages, executor, feeds, hints: VecDeque::new() };
    let hints = stream::unfold(Some(watched), |watched| async move {
        let mut watched = watched?;
        match watched.next().await {
            Ok(hint) => Some((Ok(hint), Some(watched))),
            Err(error) => Some((Err(error), None)),
        }
    });
    Ok(hints.boxed())
}

struct Watched<F> {
    messages: Messages,
    executor: Arc<Executor>,
    feeds: F,
    hints: VecDeque<Hint>,
}

impl<F: Fn() -> Vec<Name>> Watched<F> {
    async fn next(&mut self) -> Result<Hint> {
        loop {
            if let Some(hint) = self.hints.pop_front() {
                return Ok(hint);
            }
            let message = self.messages.next().await;
            let message = message.map_err(|fault| self.executor.explain(fault))?;
            match notice::decode(&message) {
                Some(hint) => self.hints.push_back(hint),
                // It is of another version, or something else has published it: anyone's streams
                // may have changed.
                None => {
                    let feeds = (self.feeds)().into_iter().map(Some);
                    self.hints.extend([None].into_iter().chain(feeds).map(Hint::new));
                }
            }
        }
    }
}
