//! Adds one item to the streams of any number of users.
//!
//! The content is in each script once. Shared content is not in the members, and is sent with each
//! script nevertheless: the first one stores it, and so does a later one if the streams of the
//! former were deleted meanwhile.

use std::sync::Arc;

use fred::bytes::Bytes;
use user_streams_core::{Error, ErrorKind, Result, UserId, backend::AddStreamItem};

use super::{
    batches::{BATCH, BATCH_BYTES, Batches, Change, KEYS_PER_SCRIPT},
    content_limit,
    store::Store,
};
use crate::{client::command::Command, config::NAME, scripts::add::EncodedItem};

/// An add.
pub(crate) struct Add<'a> {
    store: &'a Arc<Store>,
    batches: Batches<'a>,
    content_len: usize,
    item: EncodedItem,
    /// Instead of `item`, if there are several recipients.
    shared_item: Option<EncodedItem>,
}

impl<'a> Add<'a> {
    /// Prepares an add. Nothing is read or sent yet.
    pub(crate) fn new(store: &'a Arc<Store>, args: AddStreamItem) -> Result<Self> {
        let (recipients, item, on_progress) = args.into_parts();
        let content_len = item.content().len();
        let is_shared = store.is_shared(content_len);
        let per_batch = (BATCH_BYTES / content_len.max(1)).max(1);
        let per_batch = if is_shared { per_batch * KEYS_PER_SCRIPT } else { per_batch };
        let chunks = recipients.into_chunks(NAME, store.user_id, per_batch.min(BATCH))?;
        Ok(Self {
            store,
            batches: Batches::new(store, chunks, on_progress),
            content_len,
            item: EncodedItem::new(&item),
            shared_item: is_shared.then(|| EncodedItem::shared(&item, &store.keys)),
        })
    }

    pub(crate) async fn run(mut self) -> Result<u64> {
        if self.batches.read_ahead().await? > 1
            && let Some(shared_item) = self.shared_item.take()
        {
            self.item = shared_item;
        }
        let deadline = self.store.executor.deadline();
        content_limit::check(&self.store.executor, deadline, self.content_len).await?;
        match self.item.content_key() {
            Some(_) => self.store.content_len.raise(self.content_len),
            None => self.store.member_len.raise(self.content_len),
        }
        self.batches.run(&Addition { store: self.store, item: self.item }, deadline).await
    }
}

struct Addition<'a> {
    store: &'a Store,
    item: EncodedItem,
}

impl Change for Addition<'_> {
    fn command(&self, users: &[UserId], streams: Vec<Bytes>) -> Command {
        let notice = self.store.notice(&streams, users, Some(self.item.cursor()));
        self.item.add_to(streams, notice)
    }

    /// Names the key of shared content that is of another type. Those of streams are no errors.
    fn explain(&self, error: Error) -> Error {
        match self.item.content_key() {
            Some(key) if error.kind() == ErrorKind::Corrupt => Error::new(
                ErrorKind::Corrupt,
                format!(
                    "the key `{}` of the item's shared content holds something else: delete it, \
                     and look for what has written it",
                    String::from_utf8_lossy(key)
                ),
            ),
            _ => error,
        }
    }

    fn of_unreached(&self, changed: u64) -> String {
        format!(
            "{changed} received the item. `repair_stream` or `delete_stream` clears such a key, \
             and then adding the same `NewItem` again reaches its user"
        )
    }

    fn of_failed(&self, changed: u64) -> String {
        format!(
            "the item is with at least {changed} recipients by now, and adding the same `NewItem` \
             again reaches the others"
        )
    }
}
