//! The first verb.

use std::fmt;

use chrono::{DateTime, TimeZone};
use futures_core::future::BoxFuture;

use crate::{AddStreamItem, Cursor, ItemId, NewItem, Progress, Recipients, Result, Streams, global};

/// An add that happens when it is awaited.
///
/// # Errors
/// `InvalidContent`, `InvalidDate` and `InvalidUserId` before any I/O; `Recipients` or `InvalidUserId` from within
/// a stream of recipients; else those of the storage. If [`is_retryable`](crate::Error::is_retryable), add the same [`NewItem`] again:
/// no user receives it twice.
#[must_use = "nothing is added until it is awaited"]
pub struct Add {
    streams: Option<Streams>,
    recipients: Recipients,
    item: NewItem,
    on_progress: Option<Progress>,
}

impl Add {
    pub(crate) fn new(streams: Option<Streams>, recipients: Recipients, item: NewItem) -> Self {
        Self { streams, recipients, item, on_progress: None }
    }

    /// The item's timestamp, cut off to microseconds; now if not given.
    pub fn created_at<Tz: TimeZone>(mut self, created_at: DateTime<Tz>) -> Self {
        self.item = self.item.with_created_at(&created_at);
        self
    }

    /// The item's id, such as one of [`ItemId::from_event`]; a new one if not given.
    pub fn id(mut self, id: ItemId) -> Self {
        self.item = self.item.with_id(id);
        self
    }

    /// Calls `report` with the number of users who have received the item, after each part of a long broadcast and
    /// at its end. Where broadcasts are atomic, none of them sees the item before the end.
    pub fn on_progress(mut self, report: impl FnMut(u64) + Send + 'static) -> Self {
        self.on_progress = Some(Box::new(report));
        self
    }

    async fn run(self) -> Result<Delivery> {
        let streams = global::resolve(self.streams.as_ref())?;
        let item = self.item.cursor();
        let checked = self.item.check(streams.max_content_len());
        let delivered = match checked.and_then(|()| self.recipients.check(streams.capabilities().user_id())) {
            Ok(()) => {
                let args = AddStreamItem::new(self.recipients, self.item).with_on_progress(self.on_progress);
                streams.backend().add_stream_item(args).await
            }
            Err(error) => Err(error),
        };
        let delivered = streams.named("add_stream_item", delivered)?.users;
        Ok(Delivery { item, delivered })
    }
}

impl IntoFuture for Add {
    type Output = Result<Delivery>;
    type IntoFuture = BoxFuture<'static, Result<Delivery>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl fmt::Debug for Add {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Add")
            .field("recipients", &self.recipients)
            .field("item", &self.item)
            .finish_non_exhaustive()
    }
}

/// What an add has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivery {
    /// The item's `created_at` and id, which together identify it.
    pub item: Cursor,
    /// How many users have received it by this add. A user named twice counts once, and one who had this very item
    /// already does not count.
    pub delivered: u64,
}
