//! What a store tells of itself.

use futures_util::{StreamExt, stream};
use tokio::sync::broadcast;
use user_streams_core::{
    Error, ErrorKind, Name, NewItem, UserId,
    backend::{Hint, Hints},
};

/// More than come before anyone is polled.
const HINTS: usize = 4_096;

/// The hints of a store and its feeds.
#[derive(Debug, Clone)]
pub(super) struct Telling {
    feed: Option<Name>,
    hints: broadcast::Sender<Hint>,
}

impl Telling {
    pub(super) fn new() -> Self {
        Self { feed: None, hints: broadcast::Sender::new(HINTS) }
    }

    pub(super) fn of_feed(&self, name: &Name) -> Self {
        Self { feed: Some(name.clone()), ..self.clone() }
    }

    pub(super) fn tell(&self, users: Vec<UserId>, item: &NewItem) {
        let hint = Hint::new(self.feed.clone()).with_users(users).with_item(item.cursor());
        // Nobody may be listening.
        _ = self.hints.send(hint);
    }

    pub(super) fn hints(&self) -> Hints {
        let hints = stream::unfold(self.hints.subscribe(), |mut hints| async move {
            let lost = |_| Error::new(ErrorKind::Backend, "some hints were lost");
            let hint = hints.recv().await.map_err(lost);
            Some((hint, hints))
        });
        hints.boxed()
    }
}
