//! One user's stream in a backend: what every form of reading is made of.

use std::future::ready;

use futures_core::future::BoxFuture;

use crate::{
    Membership, Result, StreamItem, UserId,
    backend::{Position, StreamQuery},
    handle::{self, Handle},
    observe::Operation,
    settings::Retention,
    stream::view::{Bounds, View},
};

/// A user's stream, in the streams of [`init`](crate::init) where no handle is given.
#[derive(Debug, Clone)]
pub(crate) struct Reader {
    handle: Option<Handle>,
    pub(crate) user: UserId,
    pub(crate) bounds: Bounds,
    /// Each audience once.
    pub(crate) memberships: Vec<Membership>,
}

impl Reader {
    pub(crate) fn new(handle: Option<Handle>, user: UserId) -> Self {
        Self { handle, user, bounds: Bounds::default(), memberships: Vec::new() }
    }

    pub(crate) fn handle(&self) -> Result<&Handle> {
        handle::resolve(self.handle.as_ref())
    }

    /// Whether what is there is one stored stream, and all of it.
    fn is_plain(&self, handle: &Handle) -> bool {
        self.bounds == Bounds::default()
            && self.memberships.is_empty()
            && handle.retention == Retention::default()
            && handle.feeds.are_plain()
    }

    /// What is there now.
    pub(crate) async fn view(&self, handle: &Handle) -> Result<View> {
        handle.check(&self.user)?;
        View::of(handle, &self.user, self.bounds, &self.memberships).await
    }

    /// Up to `limit` items from a position on.
    pub(crate) async fn read(&self, position: Position, limit: u64) -> Result<Vec<StreamItem>> {
        self.read_in(&mut None, position, limit).await
    }

    /// The same in a view that was taken at the first read of several, if one is needed.
    pub(crate) async fn read_in(
        &self,
        view: &mut Option<View>,
        position: Position,
        limit: u64,
    ) -> Result<Vec<StreamItem>> {
        let handle = self.handle()?;
        let items: BoxFuture<'_, Result<Vec<StreamItem>>> = match handle.check(&self.user) {
            Err(error) => Box::pin(ready(Err(error))),
            // Most streams are read as they are stored, which needs no view.
            Ok(()) if self.is_plain(handle) => {
                let query = StreamQuery::new(self.user.clone(), limit).with_position(position);
                handle.backend().get_stream_items(query)
            }
            Ok(()) => Box::pin(async move {
                let view = match view {
                    Some(view) => view,
                    None => view.insert(self.view(handle).await?),
                };
                view.read(position, limit).await
            }),
        };
        let call = handle.call(Operation::GetStreamItems).of(&self.user);
        Ok(handle.show(call.run(items).await?))
    }

    /// The number of items, up to `limit`.
    pub(crate) async fn count(&self, limit: u64) -> Result<u64> {
        let handle = self.handle()?;
        let count = async { self.view(handle).await?.count_newer(None, limit).await };
        handle.call(Operation::CountStreamItems).of(&self.user).run(count).await
    }
}
