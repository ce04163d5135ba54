//! `watch`: items as they come.

use futures_util::TryStreamExt;

use crate::{failure::Failure, feed::items, flags::Watch, output::Output, session::Session};

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
    #[cfg(unix)]
    {
        use rustix::event::{PollFd, PollFlags, poll};

        let (sender, receiver) = tokio::sync::oneshot::channel();
        // A thread, which the end of the program ends, since not every output can be waited for by
        // the runtime.
        std::thread::spawn(move || {
            let stdout = std::io::stdout();
            let mut output = [PollFd::new(&stdout, PollFlags::empty())];
            if poll(&mut output, None).is_ok() {
                let _ = sender.send(());
            }
        });
        if receiver.await.is_ok() {
            return;
        }
    }
    std::future::pending::<()>().await;
}
