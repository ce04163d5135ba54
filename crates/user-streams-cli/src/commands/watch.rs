//! `watch`: items as they come.

use std::io;

use futures_util::TryStreamExt;
use tokio::io::{Interest, unix::AsyncFd};

use crate::{
    failure::Failure, feed::items, flags::Watch, output::Output, session::Session,
};

pub(super) async fn run(flags: &Watch, session: &Session) -> Result<(), Failure> {
    session.until_interrupted();
    let streams = session.connect().await?;
    let items = items(&streams, &flags.stream)?;
    let mut live = match flags.after {
        Some(place) => items.subscribe_after(place),
        None => items.subscribe(),
    };
    let mut output = Output::stdout();
    let mut left = flags.limit.unwrap_or(u64::MAX);
    let closed = closed();
    tokio::pin!(closed);
    while left > 0 {
        let item = tokio::select! {
            item = live.try_next() => item?,
            () = &mut closed => return Ok(()),
        };
        // It has no end.
        let Some(item) = item else { break };
        output.item(&item, flags.json)?;
        output.flush()?;
        left -= 1;
    }
    output.end()
}

/// Waits until nobody reads the output any more: before an item comes, no write would tell.
async fn closed() {
    // A file cannot be waited for, nor be closed by its reader.
    if let Ok(stdout) = AsyncFd::with_interest(io::stdout(), Interest::ERROR)
        && stdout.ready(Interest::ERROR).await.is_ok()
    {
        return;
    }
    std::future::pending().await
}
