//! `unread` and `mark-read`.

use crate::{
    failure::Failure,
    feed::items,
    flags::{MarkRead, Unread},
    output,
    session::Session,
};

pub(super) async fn unread(flags: &Unread, session: &Session) -> Result<(), Failure> {
    let streams = session.connect().await?;
    let items = items(&streams, &flags.stream)?;
    let count = match flags.seen {
        true => items.unseen(flags.limit).await?,
        false => items.unread(flags.limit).await?,
    };
    output::result(count)
}

pub(super) async fn mark_read(flags: &MarkRead, session: &Session) -> Result<(), Failure> {
    let streams = session.connect().await?;
    let items = items(&streams, &flags.stream)?;
    let mut mark = if flags.seen { items.mark_seen() } else { items.mark_read() };
    if let Some(place) = flags.up_to {
        mark = mark.up_to(place);
    } else if let Some(place) = flags.from {
        mark = mark.before(place);
    }
    if flags.back {
        mark = mark.back();
    }
    let has_moved = mark.await?;
    output::result(if has_moved { "moved" } else { "not moved: it is there or further already" })
}
