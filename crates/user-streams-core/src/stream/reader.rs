//! One user's stream in a backend: what every form of reading is made of.

use crate::{
    Result, StreamItem, UserId,
    backend::{CountQuery, Position, StreamQuery},
    handle::{self, Handle},
};

/// A user's stream, in the streams of [`init`](crate::init) where no handle is given.
#[derive(Debug, Clone)]
pub(crate) struct Reader {
    handle: Option<Handle>,
    pub(crate) user: UserId,
}

impl Reader {
    pub(crate) fn new(handle: Option<Handle>, user: UserId) -> Self {
        Self { handle, user }
    }

    /// Up to `limit` items from a position on.
    pub(crate) async fn read(&self, position: Position, limit: u64) -> Result<Vec<StreamItem>> {
        let handle = handle::resolve(self.handle.as_ref())?;
        let items = match handle.check(&self.user) {
            Ok(()) if limit == 0 => Ok(Vec::new()),
            Ok(()) => {
                let query = StreamQuery::new(self.user.clone(), limit).with_position(position);
                handle.backend().get_stream_items(query).await
            }
            Err(error) => Err(error),
        };
        Ok(handle.show(handle.named("get_stream_items", items)?))
    }

    /// The number of all items.
    pub(crate) async fn count(&self) -> Result<u64> {
        let handle = handle::resolve(self.handle.as_ref())?;
        let count = match handle.check(&self.user) {
            Ok(()) => handle.backend().count_stream_items(CountQuery::new(self.user.clone())).await,
            Err(error) => Err(error),
        };
        handle.named("count_stream_items", count)
    }
}
