//! The operations that a backend has within a transaction of the application's.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::{
    Delivery, Result,
    backend::{AddStreamItem, DeleteStream},
};

/// What [`Backend::in_transaction`](crate::backend::Backend::in_transaction) gives: the operations
/// that write, on a transaction that the application begins and ends.
///
/// Arguments are checked by core as they are for [`Backend`](crate::backend::Backend). An operation
/// that fails has changed nothing, and the transaction can go on, unless the message says
/// otherwise. What a dropped future had under way takes full effect or none, and the transaction
/// stays usable unless that fails.
#[async_trait]
pub trait Writes: Debug + Send + Sync {
    /// Puts an item into the stream of each recipient.
    async fn add_stream_item(&self, args: AddStreamItem) -> Result<Delivery>;

    /// Deletes every item of a user's stream and returns how many there were.
    async fn delete_stream(&self, args: DeleteStream) -> Result<u64>;
}
