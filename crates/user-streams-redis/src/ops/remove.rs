//! Removes one item from the streams of any number of users.

use std::sync::Arc;

use fred::bytes::Bytes;
use user_streams_core::{Cursor, Result, UserId, backend::RemoveStreamItem};

use super::{
    batches::{BATCH, Batches, Change},
    store::Store,
};
use crate::{client::command::Command, config::NAME, scripts::remove::remove as remove_from};

/// Removes the item, and returns from how many streams.
pub(crate) async fn remove(store: &Arc<Store>, args: RemoveStreamItem) -> Result<u64> {
    let RemoveStreamItem { recipients, item, .. } = args;
    let chunks = recipients.into_chunks(NAME, store.user_id, BATCH)?;
    // As `delete_stream` does, without the option it leaves shared content alone.
    let content = store
        .shared_content_min_len
        .map(|_| store.keys.shared_content(item.created_at_us(), item.id().get()));
    let mut batches = Batches::new(store, chunks, None);
    batches.read_ahead().await?;
    batches.run(&Removal { item, content }, store.executor.deadline()).await
}

struct Removal {
    item: Cursor,
    /// The key of the item's shared content, if there may be one.
    content: Option<Bytes>,
}

impl Change for Removal {
    fn command(&self, _: &[UserId], streams: Vec<Bytes>) -> Command {
        remove_from(streams, self.item, self.content.clone())
    }

    fn of_unreached(&self, changed: u64) -> String {
        format!(
            "from {changed} others the item was removed. `repair_stream` or `delete_stream` clears \
             such a key"
        )
    }

    fn of_failed(&self, changed: u64) -> String {
        format!(
            "the item was removed from at least {changed} streams by now, and removing it again \
             reaches the others"
        )
    }
}
