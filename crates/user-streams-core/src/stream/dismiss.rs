//! Items that one user does not want to see any more.

use crate::{
    Cursor, Error, ErrorKind, NewItem, Result, StreamItems,
    backend::{AddStreamItem, RemoveStreamItem},
    feeds::Store,
    handle::Handle,
    observe::Operation,
};

/// With the setting `dismissals`, a user can dismiss an item, also one of an audience.
impl StreamItems {
    /// Dismisses an item for this user: it is in none of the user's reads and counts any more, also
    /// if its add is retried. Returns whether it was not dismissed already.
    ///
    /// ```
    /// # use user_streams_core::{MemoryBackend, Streams, everyone};
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let streams = Streams::from_backend(MemoryBackend::default());
    /// let streams = streams.with_audiences(true)?.with_dismissals(true)?;
    /// let sent = streams.add_stream_item(everyone(), "Maintenance on Sunday").await?.item;
    /// streams.get_stream_items(42).dismiss(sent).await?;
    /// assert_eq!(streams.get_stream_items(42).count().await?, 0);
    /// assert_eq!(streams.get_stream_items(43).count().await?, 1);
    /// # Ok::<(), user_streams_core::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// `Unsupported` without the setting `dismissals`; `InvalidUserId`; else those of the storage.
    pub async fn dismiss(&self, item: Cursor) -> Result<bool> {
        let handle = self.reader().handle()?;
        let dismissed = async {
            let store = store(handle)?;
            handle.check(self.user())?;
            let add = AddStreamItem::new(self.user().clone(), NewItem::at(item, ""))?;
            Ok(store.backend().add_stream_item(add).await?.delivered > 0)
        };
        handle.call(Operation::Dismiss).of(self.user()).run(dismissed).await
    }

    /// Undoes a [dismissal](Self::dismiss), and returns whether there was one.
    ///
    /// # Errors
    /// `Unsupported` if the backend cannot remove items; else those of [`dismiss`](Self::dismiss).
    pub async fn undismiss(&self, item: Cursor) -> Result<bool> {
        let handle = self.reader().handle()?;
        let undone = async {
            let store = store(handle)?;
            handle.check(self.user())?;
            let remove = RemoveStreamItem::new(self.user().clone(), item);
            Ok(store.backend().remove_stream_item(remove).await? > 0)
        };
        handle.call(Operation::Undismiss).of(self.user()).run(undone).await
    }
}

fn store(handle: &Handle) -> Result<&Store> {
    handle.feeds.main().dismissed().ok_or_else(|| {
        let message = "items can be dismissed if the setting `dismissals` is true";
        Error::new(ErrorKind::Unsupported, message)
    })
}
