//! The first verb.

use std::fmt;

use chrono::{DateTime, TimeZone};
use futures_core::future::BoxFuture;

use crate::{
    AddStreamItem, Cursor, InTransaction, ItemId, NewItem, Progress, Recipients, Result, Streams,
    global,
};

/// An add that happens when it is awaited.
///
/// # Errors
/// `InvalidContent`, `InvalidDate` and `InvalidUserId` before any I/O; `Recipients` or
/// `InvalidUserId` from within a stream of recipients; else those of the storage. If
/// [`is_retryable`](crate::Error::is_retryable), add the same [`NewItem`] again: no user receives
/// it twice.
#[must_use = "nothing is added until it is awaited"]
pub struct Add<'a> {
    target: Target<'a>,
    recipients: Recipients,
    item: NewItem,
    on_progress: Option<Progress>,
}

/// Where an item is put.
enum Target<'a> {
    /// The streams of [`init`](crate::init) where there are none.
    Streams(Option<Streams>),
    Transaction(InTransaction<'a>),
}

impl<'a> Add<'a> {
    pub(crate) fn new(streams: Option<Streams>, recipients: Recipients, item: NewItem) -> Self {
        Self { target: Target::Streams(streams), recipients, item, on_progress: None }
    }

    pub(crate) fn within(
        transaction: InTransaction<'a>,
        recipients: Recipients,
        item: NewItem,
    ) -> Self {
        Self { target: Target::Transaction(transaction), recipients, item, on_progress: None }
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

    /// Calls `report` with the number of users who have received the item, after each part of a
    /// long broadcast and at its end. Where broadcasts are atomic, none of them sees the item
    /// before the end.
    pub fn on_progress(mut self, report: impl FnMut(u64) + Send + 'static) -> Self {
        self.on_progress = Some(Box::new(report));
        self
    }

    async fn run(self) -> Result<Delivery> {
        let streams = match &self.target {
            Target::Streams(streams) => global::resolve(streams.as_ref())?,
            Target::Transaction(transaction) => transaction.streams(),
        };
        let item = self.item.cursor();
        let checked = self.item.check(streams.max_content_len());
        let delivered =
            match checked.and_then(|()| self.recipients.check(streams.capabilities().user_id())) {
                Ok(()) => {
                    let args = AddStreamItem::new(self.recipients, self.item)
                        .with_on_progress(self.on_progress);
                    match &self.target {
                        Target::Streams(_) => streams.backend().add_stream_item(args).await,
                        Target::Transaction(transaction) => match transaction.writes() {
                            Ok(writes) => writes.add_stream_item(args).await,
                            Err(error) => Err(error),
                        },
                    }
                }
                Err(error) => Err(error),
            };
        let delivered = streams.named("add_stream_item", delivered)?.users;
        Ok(Delivery { item, delivered })
    }
}

impl<'a> IntoFuture for Add<'a> {
    type Output = Result<Delivery>;
    type IntoFuture = BoxFuture<'a, Result<Delivery>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl fmt::Debug for Add<'_> {
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
    /// How many users have received it by this add. A user named twice counts once, and one who had
    /// this very item already does not count.
    pub delivered: u64,
}
