//! Writing within a transaction of the application's own.

use std::{any::Any, fmt};

use crate::{
    Add, Backend as _, DeleteStream, IntoRecipients, NewItem, Result, Streams, ToUserId, Writes,
};

/// The streams within a transaction of the application's own, by [`Streams::in_transaction`]. What
/// it writes commits or rolls back with the rest of the transaction.
#[derive(Clone, Copy)]
pub struct InTransaction<'a> {
    streams: &'a Streams,
    transaction: &'a (dyn Any + Send + Sync),
}

impl<'a> InTransaction<'a> {
    pub(crate) fn new(
        streams: &'a Streams,
        transaction: &'a (dyn Any + Send + Sync),
    ) -> Result<Self> {
        let this = Self { streams, transaction };
        streams.named("in_transaction", this.writes().map(|_| this))
    }

    /// Puts an item into the stream of one user, of many, or of every user of a query, when
    /// awaited. A query sees what the transaction has written.
    ///
    /// See [`Add`] for what can be set, what comes back and the errors. After an error the
    /// transaction can go on, unless the database has ended it.
    pub fn add_stream_item(
        &self,
        recipients: impl IntoRecipients,
        content: impl Into<NewItem>,
    ) -> Add<'a> {
        Add::within(*self, recipients.into_recipients(), content.into())
    }

    /// Deletes a user's stream and returns how many items it had.
    ///
    /// # Errors
    /// `InvalidUserId`; else those of the storage.
    pub fn delete_stream(
        &self,
        user: impl ToUserId,
    ) -> impl Future<Output = Result<u64>> + Send + 'a {
        let (this, user) = (*self, user.to_user_id());
        async move {
            let deleted = match this.streams.check(&user).and_then(|()| this.writes()) {
                Ok(writes) => writes.delete_stream(DeleteStream::new(user)).await,
                Err(error) => Err(error),
            };
            this.streams.named("delete_stream", deleted)
        }
    }

    pub(crate) fn streams(&self) -> &'a Streams {
        self.streams
    }

    /// Made for each call, since a value that had it could not outlive the transaction's end, not
    /// even unused.
    pub(crate) fn writes(&self) -> Result<Box<dyn Writes + 'a>> {
        self.streams.backend().in_transaction(self.transaction)
    }
}

impl fmt::Debug for InTransaction<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InTransaction").field("streams", self.streams).finish_non_exhaustive()
    }
}
