//! Writing within a transaction of the application's own.

use crate::{
    Add, IntoRecipients, NewItem, Result, ToUserId, backend::DeleteStream,
    handle::TransactionHandle,
};

/// The streams within a transaction of the application's own, by
/// [`Streams::in_transaction`](crate::Streams::in_transaction). What it writes commits or rolls
/// back with the rest of the transaction.
#[derive(Debug, Clone, Copy)]
pub struct InTransaction<'a>(TransactionHandle<'a>);

impl<'a> InTransaction<'a> {
    pub(crate) fn new(transaction: TransactionHandle<'a>) -> Result<Self> {
        let known = transaction.writes().map(|_| Self(transaction));
        transaction.handle.named("in_transaction", known)
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
        Add::within(self.0, recipients.into_recipients(), content.into())
    }

    /// Deletes a user's stream and returns how many items it had.
    ///
    /// # Errors
    /// `InvalidUserId`; else those of the storage.
    pub fn delete_stream(
        &self,
        user: impl ToUserId,
    ) -> impl Future<Output = Result<u64>> + Send + 'a {
        let (transaction, user) = (self.0, user.to_user_id());
        async move {
            let handle = transaction.handle;
            let deleted = match handle.check(&user).and_then(|()| transaction.writes()) {
                Ok(writes) => writes.delete_stream(DeleteStream::new(user)).await,
                Err(error) => Err(error),
            };
            handle.named("delete_stream", deleted)
        }
    }
}
