//! The streams that flags name.

use user_streams::{StreamItems, Streams};

use crate::{failure::Failure, flags, user_ids};

/// The streams of a feed, or the main ones.
pub(crate) fn feed(streams: &Streams, name: Option<&str>) -> Result<Streams, Failure> {
    match name {
        Some(name) => Ok(streams.feed(name)?),
        None => Ok(streams.clone()),
    }
}

/// The main streams, and every feed with its name, in the order of these.
pub(crate) fn all(streams: &Streams) -> Result<Vec<(Option<String>, Streams)>, Failure> {
    let mut all = vec![(None, streams.clone())];
    for name in streams.feeds() {
        all.push((Some(name.to_owned()), streams.feed(name)?));
    }
    all.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(all)
}

/// The items of a user.
pub(crate) fn items(streams: &Streams, flags: &flags::Stream) -> Result<StreamItems, Failure> {
    let streams = feed(streams, flags.feed.as_deref())?.merge(&flags.merge)?;
    let items = streams.get_stream_items(user_ids::parse_one(&streams, &flags.user)?);
    Ok(match flags.audience.as_slice() {
        [] => items,
        audiences => items.with_audiences(audiences),
    })
}
