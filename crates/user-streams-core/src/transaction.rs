//! Writing within a transaction of the application's own.

use crate::{
    Add, Cursor, IntoRecipients, NewItem, Result, ToUserId,
    backend::{DeleteRange, DeleteStream, RemoveStreamItem},
    handle::TransactionHandle,
    hidden::Hidden,
    marks::Mark,
    observe::Operation,
    served::{self, Served},
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

    /// Takes an item from the stream of one user, of many, or of every user of a query, and returns
    /// from how many. A query sees what the transaction has written.
    ///
    /// # Errors
    /// Those of [`Streams::remove_stream_item`](crate::Streams::remove_stream_item).
    pub fn remove_stream_item(
        &self,
        recipients: impl IntoRecipients,
        item: Cursor,
    ) -> impl Future<Output = Result<u64>> + Send + 'a {
        let (transaction, args) = (self.0, RemoveStreamItem::new(recipients, item));
        async move {
            let handle = transaction.handle;
            let call = handle.call(Operation::RemoveStreamItem).in_transaction(true);
            let call = call.to(args.recipients.known());
            let removed = async {
                let served = Served::new(handle, args.recipients)?;
                let writes = transaction.writes_on(served.backend())?;
                let Served { recipients, copies, .. } = served;
                let args = RemoveStreamItem::new(recipients, args.item);
                let removed = writes.remove_stream_item(args).await?;
                Ok(served::recipients(removed, copies))
            };
            call.run(removed).await
        }
    }

    /// Moves a user's mark `seen` forward to a place, and returns whether it has moved.
    ///
    /// # Errors
    /// `Unsupported` if the backend has no marks; `InvalidUserId`; else those of the storage.
    pub fn mark_seen(
        &self,
        user: impl ToUserId,
        up_to: Cursor,
    ) -> impl Future<Output = Result<bool>> + Send + 'a {
        self.mark(user, up_to, Mark::Seen, Operation::MarkSeen)
    }

    /// Moves a user's mark `read` forward to a place, and returns whether it has moved.
    ///
    /// # Errors
    /// Those of [`mark_seen`](Self::mark_seen).
    pub fn mark_read(
        &self,
        user: impl ToUserId,
        up_to: Cursor,
    ) -> impl Future<Output = Result<bool>> + Send + 'a {
        self.mark(user, up_to, Mark::Read, Operation::MarkRead)
    }

    /// Dismisses an item for a user: see [`dismiss`](crate::StreamItems::dismiss).
    ///
    /// # Errors
    /// Those of [`dismiss`](crate::StreamItems::dismiss).
    pub fn dismiss(
        &self,
        user: impl ToUserId,
        item: Cursor,
    ) -> impl Future<Output = Result<bool>> + Send + 'a {
        self.hide(Hidden::Dismissed(user.to_user_id()), item, true)
    }

    /// Undoes a [dismissal](Self::dismiss), and returns whether there was one.
    ///
    /// # Errors
    /// Those of [`undismiss`](crate::StreamItems::undismiss).
    pub fn undismiss(
        &self,
        user: impl ToUserId,
        item: Cursor,
    ) -> impl Future<Output = Result<bool>> + Send + 'a {
        self.hide(Hidden::Dismissed(user.to_user_id()), item, false)
    }

    /// Retracts an item for all who have it or will get it: see
    /// [`retract`](crate::Streams::retract).
    ///
    /// # Errors
    /// Those of [`retract`](crate::Streams::retract).
    pub fn retract(&self, item: Cursor) -> impl Future<Output = Result<bool>> + Send + 'a {
        self.hide(Hidden::Retracted, item, true)
    }

    /// Undoes a [retraction](Self::retract), and returns whether there was one.
    ///
    /// # Errors
    /// Those of [`unretract`](crate::Streams::unretract).
    pub fn unretract(&self, item: Cursor) -> impl Future<Output = Result<bool>> + Send + 'a {
        self.hide(Hidden::Retracted, item, false)
    }

    fn hide(
        &self,
        hidden: Hidden,
        item: Cursor,
        is_hidden: bool,
    ) -> impl Future<Output = Result<bool>> + Send + 'a {
        let transaction = self.0;
        async move {
            let handle = transaction.handle;
            let call = handle.call(hidden.operation(is_hidden)).in_transaction(true);
            let changed = async {
                if is_hidden {
                    let (backend, add) = hidden.add(handle, item)?;
                    let writes = transaction.writes_on(backend)?;
                    return Ok(writes.add_stream_item(add).await?.delivered > 0);
                }
                let (backend, remove) = hidden.remove(handle, item)?;
                let writes = transaction.writes_on(backend)?;
                Ok(writes.remove_stream_item(remove).await? > 0)
            };
            call.run(changed).await
        }
    }

    fn mark(
        &self,
        user: impl ToUserId,
        up_to: Cursor,
        mark: Mark,
        operation: Operation,
    ) -> impl Future<Output = Result<bool>> + Send + 'a {
        let (transaction, user) = (self.0, user.to_user_id());
        async move {
            let handle = transaction.handle;
            let moved = async {
                handle.check(&user)?;
                let item_marks = handle.feeds.item_marks().filter(|_| mark == Mark::Read);
                for feed in item_marks.iter().flat_map(|feeds| feeds.both()) {
                    let writes = transaction.writes_on(feed.backend())?;
                    let passed = DeleteRange::new(user.clone()).older_than(up_to);
                    writes.delete_range(passed).await?;
                    writes.remove_stream_item(RemoveStreamItem::new(user.clone(), up_to)).await?;
                }
                let args = mark.args(&user, Some(up_to), false)?;
                transaction.writes()?.set_mark(args).await
            };
            handle.call(operation).in_transaction(true).of(&user).run(moved).await
        }
    }
}
