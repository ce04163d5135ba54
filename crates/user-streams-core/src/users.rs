//! What concerns a user as a whole.

use crate::{
    Error, Result, UserId,
    backend::{Capability, DeleteStream},
    handle::Handle,
    marks::Mark,
};

/// Deletes everything of a user's and returns how many items there were, without those of the
/// library's own feeds.
pub(crate) async fn delete(handle: &Handle, user: &UserId) -> Result<u64> {
    let capabilities = handle.backend().capabilities();
    if !capabilities.has(Capability::DeleteStream) {
        return Err(Error::unsupported(capabilities.backend(), "delete_stream"));
    }
    let mut deleted = 0;
    let feeds = handle.feeds.names().map(|name| handle.feed(name.as_str()));
    for streams in feeds.chain([Ok(handle.clone())]) {
        let streams = &streams?;
        for own in streams.feeds.of_users() {
            own.backend().delete_stream(DeleteStream::new(user.clone())).await?;
        }
        if streams.backend().capabilities().has(Capability::Marks) {
            for mark in Mark::ALL {
                mark.set(streams, user, None, true).await?;
            }
        }
        deleted += streams.backend().delete_stream(DeleteStream::new(user.clone())).await?;
    }
    Ok(deleted)
}
