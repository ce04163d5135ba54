//! The two free functions, on one [`Streams`] for the whole process.

use crate::{
    Add, Error, ErrorKind, IntoRecipients, NewItem, Result, Settings, StreamItems, Streams,
    ToUserId, handle,
};

/// Connects and makes the result the one that [`add_stream_item`] and [`get_stream_items`] use.
/// Returns it, for [`Streams::migrate`] and the like.
///
/// # Errors
/// `AlreadyInitialized` at a second call; else those of [`Streams::connect`], after which it may be
/// called again.
pub async fn init(settings: Settings) -> Result<Streams> {
    let initialized_already = || {
        Error::new(
            ErrorKind::AlreadyInitialized,
            "`init` was called already: use a `Streams` of its own for a second backend",
        )
    };
    if handle::is_initialized() {
        return Err(initialized_already());
    }
    let streams = Streams::connect(settings).await?;
    handle::initialize(streams.handle().clone()).map_err(|_| initialized_already())?;
    Ok(streams)
}

/// [`Streams::add_stream_item`] on the streams of [`init`]; before it, awaiting answers
/// `NotInitialized`.
pub fn add_stream_item(
    recipients: impl IntoRecipients,
    content: impl Into<NewItem>,
) -> Add<'static> {
    Add::on(None, recipients.into_recipients(), content.into())
}

/// [`Streams::get_stream_items`] on the streams of [`init`]; before it, every read answers
/// `NotInitialized`.
pub fn get_stream_items(user: impl ToUserId) -> StreamItems {
    StreamItems::new(None, user.to_user_id())
}
