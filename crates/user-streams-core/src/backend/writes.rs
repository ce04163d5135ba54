//! The operations that a backend has within a transaction of the application's.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::{
    Delivery, Error, ErrorKind, Result,
    backend::{AddStreamItem, BulkAdd, DeleteRange, DeleteStream, RemoveStreamItem, SetMark},
};

/// What [`Backend::in_transaction`](crate::backend::Backend::in_transaction) gives: the operations
/// that write, on a transaction that the application begins and ends.
///
/// Arguments are checked by core as they are for [`Backend`](crate::backend::Backend). An operation
/// that fails has changed nothing, and the transaction can go on, unless the message says
/// otherwise. What a dropped future had under way takes full effect or none, and the transaction
/// stays usable unless that fails.
///
/// Those that are optional for a backend are here too: a backend that has one has it here.
#[async_trait]
pub trait Writes: Debug + Send + Sync {
    /// Puts an item into the stream of each recipient.
    async fn add_stream_item(&self, args: AddStreamItem) -> Result<Delivery>;

    /// Deletes every item of a user's stream and returns how many there were.
    async fn delete_stream(&self, args: DeleteStream) -> Result<u64>;

    /// As [`Backend::remove_stream_item`](crate::backend::Backend::remove_stream_item).
    async fn remove_stream_item(&self, _args: RemoveStreamItem) -> Result<u64> {
        Err(unsupported())
    }

    /// As [`Backend::delete_range`](crate::backend::Backend::delete_range).
    async fn delete_range(&self, _args: DeleteRange) -> Result<u64> {
        Err(unsupported())
    }

    /// As [`Backend::bulk_add`](crate::backend::Backend::bulk_add).
    async fn bulk_add(&self, _args: BulkAdd) -> Result<u64> {
        Err(unsupported())
    }

    /// As [`Backend::set_mark`](crate::backend::Backend::set_mark).
    async fn set_mark(&self, _args: SetMark) -> Result<bool> {
        Err(unsupported())
    }
}

fn unsupported() -> Error {
    let message = "this backend does not have this operation in a transaction";
    Error::new(ErrorKind::Unsupported, message)
}
