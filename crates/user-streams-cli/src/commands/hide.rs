//! `dismiss` and `retract`.

use crate::{
    failure::Failure,
    feed::feed,
    flags::{Dismiss, Retract},
    output,
    session::Session,
    user_ids,
};

pub(super) async fn dismiss(flags: &Dismiss, session: &Session) -> Result<(), Failure> {
    let streams = session.connect().await?;
    let streams = feed(&streams, flags.feed.feed.as_deref())?;
    let items = streams.get_stream_items(user_ids::parse_one(&streams, &flags.user)?);
    let has_changed = match flags.undo {
        true => items.undismiss(flags.item).await?,
        false => items.dismiss(flags.item).await?,
    };
    say(has_changed, flags.undo)
}

pub(super) async fn retract(flags: &Retract, session: &Session) -> Result<(), Failure> {
    let streams = session.connect().await?;
    let streams = feed(&streams, flags.feed.feed.as_deref())?;
    let has_changed = match flags.undo {
        true => streams.unretract(flags.item).await?,
        false => streams.retract(flags.item).await?,
    };
    say(has_changed, flags.undo)
}

fn say(has_changed: bool, undo: bool) -> Result<(), Failure> {
    output::result(match (has_changed, undo) {
        (true, false) => "hidden",
        (false, false) => "hidden already",
        (true, true) => "shown again",
        (false, true) => "was not hidden",
    })
}
