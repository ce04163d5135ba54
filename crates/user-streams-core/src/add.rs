//! The first verb.

use std::fmt;

use chrono::{DateTime, TimeZone};
use futures_core::future::BoxFuture;

use crate::{
    Delivery, ItemId, NewItem, Recipients, Result,
    backend::AddStreamItem,
    handle::{self, Handle, TransactionHandle},
    observe::Operation,
    served::{self, Served},
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
    args: AddStreamItem,
}

/// Where an item is put.
enum Target<'a> {
    /// The streams of [`init`](crate::init) where there are none.
    Streams(Option<Handle>),
    Transaction(TransactionHandle<'a>),
}

impl<'a> Add<'a> {
    pub(crate) fn on(handle: Option<Handle>, recipients: Recipients, item: NewItem) -> Self {
        Self { target: Target::Streams(handle), args: AddStreamItem::unchecked(recipients, item) }
    }

    pub(crate) fn within(
        transaction: TransactionHandle<'a>,
        recipients: Recipients,
        item: NewItem,
    ) -> Self {
        let args = AddStreamItem::unchecked(recipients, item);
        Self { target: Target::Transaction(transaction), args }
    }

    /// The item's timestamp, cut off to microseconds; now if not given.
    pub fn created_at<Tz: TimeZone>(mut self, created_at: DateTime<Tz>) -> Self {
        self.args = self.args.map_item(|item| item.with_created_at(&created_at));
        self
    }

    /// The item's id, such as one of [`ItemId::from_event`]; a new one if not given.
    pub fn id(mut self, id: ItemId) -> Self {
        self.args = self.args.map_item(|item| item.with_id(id));
        self
    }

    /// Calls `report` with the number of users who have received the item, after each part of a
    /// long broadcast and at its end. Where broadcasts are atomic, none of them sees the item
    /// before the end.
    pub fn on_progress(mut self, report: impl FnMut(u64) + Send + 'static) -> Self {
        self.args.on_progress = Some(Box::new(report));
        self
    }

    async fn run(self) -> Result<Delivery> {
        let handle = match &self.target {
            Target::Streams(handle) => handle::resolve(handle.as_ref())?,
            Target::Transaction(transaction) => transaction.handle,
        };
        let call = handle
            .call(Operation::AddStreamItem)
            .in_transaction(matches!(self.target, Target::Transaction(_)))
            .to(self.args.recipients.known());
        let delivery = async {
            let (recipients, item, mut on_progress) = self.args.into_parts();
            item.check(handle.max_content_len)?;
            let served = Served::new(handle, recipients)?;
            let (backend, hint) = (served.backend(), served.hint(handle));
            let Served { recipients, copies, .. } = served;
            if let (Some(mut report), 2..) = (on_progress.take_if(|_| copies > 1), copies) {
                on_progress =
                    Some(Box::new(move |streams| report(served::recipients(streams, copies))));
            }
            let args = AddStreamItem::unchecked(recipients, item).with_on_progress(on_progress);
            let delivery = match &self.target {
                Target::Streams(_) => {
                    let delivery = backend.add_stream_item(args).await?;
                    if let Some(hint) = hint.filter(|_| delivery.delivered > 0) {
                        handle.live.tell(hint.with_item(delivery.item));
                    }
                    delivery
                }
                // Nobody sees it before the commit, of which nobody tells.
                Target::Transaction(transaction) => {
                    transaction.writes_on(backend)?.add_stream_item(args).await?
                }
            };
            Ok(served::delivery(delivery, copies))
        };
        call.run(delivery).await
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
        f.debug_tuple("Add").field(&self.args).finish()
    }
}
