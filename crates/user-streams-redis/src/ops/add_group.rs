//! How a group of adds is stored: by one script, which says of each what became of it.

use std::{collections::BTreeSet, sync::Arc};

use tokio::time::Instant;
use user_streams_core::{
    Error, Result,
    backend::{Group, SingleAdd, StoreGroup, async_trait},
};

use super::store::Store;
use crate::{
    error::Fault,
    reply,
    scripts::bulk::{Row, each},
    storage::member::SORT_KEY_LEN,
};

/// How many groups are stored at once: while one is answered, the next ones are under way. With two
/// from 64 tasks there are a seventh fewer adds a second.
const LEADERS: usize = 4;
/// The bytes of a group, unless a single add has more.
const MAX_BYTES: usize = 256 * 1024;

/// What a group needs.
#[derive(Debug)]
pub(crate) struct GroupStore(Arc<Store>);

impl GroupStore {
    /// The adds that wait. `None` in a cluster, where a script has the keys of one slot only.
    pub(crate) fn group(store: &Arc<Store>) -> Option<Group<Self>> {
        let is_cluster = store.executor.is_cluster();
        (!is_cluster).then(|| Group::new(Self(Arc::clone(store)), LEADERS))
    }
}

#[async_trait]
impl StoreGroup for GroupStore {
    type Lead = ();

    const MAX_ADDS: usize = 64;

    /// The connections are shared.
    async fn lead(&self, _: Instant, _: Instant) -> Result<()> {
        Ok(())
    }

    fn room(&self, (): &()) -> usize {
        MAX_BYTES
    }

    fn size(add: &SingleAdd) -> usize {
        add.item.content().len() + SORT_KEY_LEN
    }

    async fn store(&self, adds: Vec<SingleAdd>, (): ()) -> Result<Vec<Option<u64>>> {
        let store = &self.0;
        let streams = adds.iter().map(|add| store.keys.stream(&add.user));
        let streams: Vec<_> = streams.collect::<Result<_>>()?;
        let users: BTreeSet<_> = adds.iter().map(|add| &add.user).collect();
        let notice = store.notice(&streams, users, None);
        let rows = streams.into_iter().zip(&adds);
        let rows = rows.map(|(stream, add)| Row::new(stream, &add.item));
        let command = each(rows, notice);
        reply::each(store.executor.one(store.executor.deadline(), command).await?)
    }

    fn timeout_error(&self) -> Error {
        self.0.executor.explain(Fault::Timeout)
    }
}
