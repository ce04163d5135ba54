//! Adds one item to the streams of any number of users.
//!
//! The content is in each script once. Shared content is not in the members, and is sent with each
//! script nevertheless: the first one stores it, and so does a later one if the streams of the
//! former were deleted meanwhile.

use std::sync::Arc;

use fred::bytes::Bytes;
use user_streams_core::{
    Error, ErrorKind, NewItem, Result, UserId,
    backend::{AddStreamItem, Group, Grouped, SingleAdd},
};

use super::{
    add_group::GroupStore,
    batches::{BATCH, BATCH_BYTES, Batches, Change, KEYS_PER_SCRIPT},
    content_limit,
    store::Store,
};
use crate::{client::command::Command, config::NAME, scripts::add::EncodedItem};

/// An add.
pub(crate) struct Add<'a> {
    store: &'a Arc<Store>,
    batches: Batches<'a>,
    /// Single adds that come together, where they may.
    group: Option<&'a Group<GroupStore>>,
    item: Arc<NewItem>,
    is_shared: bool,
}

impl<'a> Add<'a> {
    /// Prepares an add. Nothing is read or sent yet.
    pub(crate) fn new(
        store: &'a Arc<Store>,
        group: Option<&'a Group<GroupStore>>,
        args: AddStreamItem,
    ) -> Result<Self> {
        let (recipients, item, on_progress) = args.into_parts();
        let content_len = item.content().len();
        let is_shared = store.is_shared(content_len);
        let per_batch = (BATCH_BYTES / content_len.max(1)).max(1);
        let per_batch = if is_shared { per_batch * KEYS_PER_SCRIPT } else { per_batch };
        let chunks = recipients.into_chunks(NAME, store.user_id, per_batch.min(BATCH))?;
        Ok(Self {
            store,
            batches: Batches::new(store, chunks, on_progress),
            group,
            item: Arc::new(item),
            is_shared,
        })
    }

    pub(crate) async fn run(mut self) -> Result<u64> {
        let (store, item) = (self.store, &self.item);
        let is_shared = self.batches.read_ahead().await? > 1 && self.is_shared;
        let deadline = store.executor.deadline();
        let content_len = item.content().len();
        content_limit::check(&store.executor, deadline, content_len).await?;
        match is_shared {
            true => store.content_len.raise(content_len),
            false => store.member_len.raise(content_len),
        }
        let mut lead = None;
        if let (Some(group), Some(user)) = (self.group, self.batches.only()) {
            let add = SingleAdd { user: user.clone(), item: Arc::clone(item) };
            match group.add(add, deadline).await? {
                Grouped::Stored(delivered) => return Ok(self.batches.made(delivered)),
                Grouped::Alone(alone) => lead = alone,
            }
        }
        let item = match is_shared {
            true => EncodedItem::shared(item, &store.keys),
            false => EncodedItem::new(item),
        };
        let added = self.batches.run(&Addition { store, item }, deadline).await;
        drop(lead);
        added
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
