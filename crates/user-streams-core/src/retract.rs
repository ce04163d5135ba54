//! Taking an item back from all who have it, by one write.

use crate::{Cursor, Result, Streams, hidden::Hidden};

impl Streams {
    /// Retracts an item for all who have it or will get it, by one write: nobody sees it from now
    /// on, and an add that is retried later is not seen either. Returns whether it was not
    /// retracted already. What is stored of it goes at the next [`trim`](Self::trim).
    ///
    /// ```
    /// # use user_streams_core::{MemoryBackend, Streams};
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let streams = Streams::from_backend(MemoryBackend::default()).with_retractions(true)?;
    /// let sent = streams.add_stream_item([42, 43], "We have lost").await?.item;
    /// streams.retract(sent).await?;
    /// assert_eq!(streams.get_stream_items(42).count().await?, 0);
    /// streams.unretract(sent).await?;
    /// assert_eq!(streams.get_stream_items(42).count().await?, 1);
    /// # Ok::<(), user_streams_core::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// `Unsupported` without the setting `retractions`; else those of the storage.
    pub async fn retract(&self, item: Cursor) -> Result<bool> {
        Hidden::Retracted.change(self.handle(), item, true).await
    }

    /// Undoes a [retraction](Self::retract), as far as the item is still stored, and returns
    /// whether there was one.
    ///
    /// # Errors
    /// `Unsupported` without the setting `retractions`, or if the backend cannot remove items; else
    /// those of the storage.
    pub async fn unretract(&self, item: Cursor) -> Result<bool> {
        Hidden::Retracted.change(self.handle(), item, false).await
    }
}
