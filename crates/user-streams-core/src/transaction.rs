//! Writing within a transaction of the application's own.

use crate::{
    Add, IntoRecipients, NewItem, Result, ToUserId, backend::DeleteStream,
    handle::TransactionHandle, observe::Operation,
};

/// The streams within a transaction of the application's own, by
/// [`Streams::in_transaction`](crate::Streams::in_transaction). What it writes commits or rolls
/// back with the rest of the transaction.
#[derive(Debug, Clone, Copy)]
pub struct InTransaction<'a>(TransactionHandle<'a>);

impl<'a> InTransaction<'a> {
    pub(crate) fn new(transaction: TransactionHandle<'a>) -> Result<Self> {
        let backend = transaction.handle.backend().capabilities().backend();
        match transaction.writes() {
            Ok(_) => Ok(Self(transaction)),
            Err(error) => Err(error.with_backend(backend).with_operation("in_transaction")),
        }
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
            let call = handle.call(Operation::DeleteStream).in_transaction(true).of(&user);
            let deleted = async {
                handle.check(&user)?;
                transaction.writes()?.delete_stream(DeleteStream::new(user)).await
            };
            call.run(deleted).await
        }
    }
}
