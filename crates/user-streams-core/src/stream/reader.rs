//! One user's stream in a backend: what every form of reading is made of.

use crate::{
    Result, StreamItem, UserId,
    backend::{CountQuery, Position, StreamQuery},
    handle::{self, Handle},
    observe::Operation,
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
        let items = async {
            handle.check(&self.user)?;
            if limit == 0 {
                return Ok(Vec::new());
            }
            let query = StreamQuery::new(self.user.clone(), limit).with_position(position);
            handle.backend().get_stream_items(query).await
        };
        let call = handle.call(Operation::GetStreamItems).of(&self.user);
        Ok(handle.show(call.run(items).await?))
    }

    /// The number of all items.
    pub(crate) async fn count(&self) -> Result<u64> {
        let handle = handle::resolve(self.handle.as_ref())?;
        let count = async {
            handle.check(&self.user)?;
            handle.backend().count_stream_items(CountQuery::new(self.user.clone())).await
        };
        handle.call(Operation::CountStreamItems).of(&self.user).run(count).await
    }
}
