//! The process-wide [`Streams`] behind the two free functions.

use std::sync::OnceLock;

use crate::{
    Add, Error, ErrorKind, IntoRecipients, NewItem, Result, Settings, StreamItems, Streams,
    ToUserId,
};

static STREAMS: OnceLock<Streams> = OnceLock::new();

/// Connects and makes the result the one that [`add_stream_item`] and [`get_stream_items`] use.
/// Returns it, for [`Streams::migrate`] and the like.
///
/// # Errors
/// `AlreadyInitialized` at a second call; else those of [`Streams::connect`], after which it may be
/// called again.
pub async fn init(settings: Settings) -> Result<Streams> {
    let again = || {
        Error::new(
            ErrorKind::AlreadyInitialized,
            "`init` was called already: use a `Streams` of its own for a second backend",
        )
    };
    if STREAMS.get().is_some() {
        return Err(again());
    }
    let streams = Streams::connect(settings).await?;
    STREAMS.set(streams.clone()).map_err(|_| again())?;
    Ok(streams)
}

/// [`Streams::add_stream_item`] on the streams of [`init`]; before it, awaiting answers
/// `NotInitialized`.
pub fn add_stream_item(
    recipients: impl IntoRecipients,
    content: impl Into<NewItem>,
) -> Add<'static> {
    Add::new(None, recipients.into_recipients(), content.into())
}

/// [`Streams::get_stream_items`] on the streams of [`init`]; before it, every read answers
/// `NotInitialized`.
pub fn get_stream_items(user: impl ToUserId) -> StreamItems {
    StreamItems::new(None, user.to_user_id())
}

/// `streams`, or those of [`init`] where there are none.
pub(crate) fn resolve(streams: Option<&Streams>) -> Result<&Streams> {
    streams.or_else(|| STREAMS.get()).ok_or_else(|| {
        Error::new(
            ErrorKind::NotInitialized,
            "call `user_streams_core::init(settings).await?` before the first use",
        )
    })
}
