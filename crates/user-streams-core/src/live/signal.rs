//! What wakes a subscriber.

use std::{
    collections::BTreeSet,
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::Notify;

use crate::{Cursor, StreamItem};

/// How much is kept for a subscriber who is slow. Beyond it, the subscriber reads again what there
/// is.
const MAX_PENDING: usize = 256;

/// What has come for a subscriber and was not taken yet.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    news: Mutex<News>,
    wake: Notify,
}

#[derive(Debug, Default)]
pub(crate) struct News {
    /// Anything may have come.
    pub(crate) anything: bool,
    /// Items, each with the number of the stream that it is in.
    pub(crate) places: BTreeSet<(usize, Cursor)>,
    /// Items of streams that many read, which were read once for all.
    pub(crate) items: Vec<(usize, Arc<StreamItem>)>,
}

impl News {
    pub(crate) fn is_empty(&self) -> bool {
        !self.anything && self.places.is_empty() && self.items.is_empty()
    }

    /// What has come since is added.
    pub(crate) fn extend(&mut self, since: Self) {
        self.anything |= since.anything;
        self.places.extend(since.places);
        self.items.extend(since.items);
    }

    fn is_full(&self) -> bool {
        self.places.len() + self.items.len() >= MAX_PENDING
    }
}

impl Signal {
    /// Waits until there is something, and takes it.
    pub(crate) async fn taken(&self) -> News {
        loop {
            {
                let mut news = self.news.lock().unwrap_or_else(PoisonError::into_inner);
                if !news.is_empty() {
                    return mem::take(&mut *news);
                }
            }
            self.wake.notified().await;
        }
    }

    /// Anything may have come.
    pub(crate) fn anything(&self) {
        self.add(|news| news.anything = true);
    }

    pub(super) fn place(&self, part: usize, item: Cursor) {
        self.add(|news| {
            if news.is_full() {
                news.anything = true;
            } else {
                news.places.insert((part, item));
            }
        });
    }

    pub(super) fn item(&self, part: usize, item: &Arc<StreamItem>) {
        self.add(|news| {
            if news.is_full() {
                news.anything = true;
            } else {
                news.items.push((part, Arc::clone(item)));
            }
        });
    }

    fn add(&self, change: impl FnOnce(&mut News)) {
        change(&mut self.news.lock().unwrap_or_else(PoisonError::into_inner));
        self.wake.notify_one();
    }
}
