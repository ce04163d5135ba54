//! The marks of users in a backend, or in a feed where it has none of its own.

use std::fmt;

use crate::{
    Cursor, Name, NewItem, Result, StreamItem, UserId,
    backend::{
        AddStreamItem, Backend, Capability, DeleteRange, DeleteStream, MarkQuery, SetMark,
        StreamQuery,
    },
    handle::Handle,
};

/// The marks that a user has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Up to where the user has seen the stream: what a badge counts.
    Seen,
    /// Up to where the user has read it.
    Read,
}

impl Mark {
    pub(crate) const ALL: [Self; 2] = [Self::Seen, Self::Read];

    pub(crate) fn name(self) -> Result<Name> {
        self.to_string().parse()
    }

    /// The feed that keeps it for a backend without marks.
    fn feed(self, handle: &Handle) -> Option<&dyn Backend> {
        let feeds = handle.feeds.mark_feeds()?;
        Some(match self {
            Self::Seen => feeds.seen.backend(),
            Self::Read => feeds.read.backend(),
        })
    }

    /// Where it is.
    pub(crate) async fn get(self, handle: &Handle, user: &UserId) -> Result<Option<Cursor>> {
        match self.feed(handle) {
            Some(feed) => {
                let newest = feed.get_stream_items(StreamQuery::new(user.clone(), 1)).await?;
                Ok(newest.first().map(StreamItem::cursor))
            }
            None => handle.backend().mark(MarkQuery::new(user.clone(), self.name()?)).await,
        }
    }

    /// Moves it, and returns whether it has moved.
    pub(crate) async fn set(
        self,
        handle: &Handle,
        user: &UserId,
        to: Option<Cursor>,
        back: bool,
    ) -> Result<bool> {
        if let Some(feed) = self.feed(handle) {
            return set_in_feed(feed, user, to, back).await;
        }
        handle.backend().set_mark(self.args(user, to, back)?).await
    }

    pub(crate) fn args(self, user: &UserId, to: Option<Cursor>, back: bool) -> Result<SetMark> {
        let (user, name) = (user.clone(), self.name()?);
        Ok(match to {
            Some(to) => SetMark::new(user, name, to).with_back(back),
            None => SetMark::remove(user, name),
        })
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Seen => "seen",
            Self::Read => "read",
        })
    }
}

/// The newest item of the user is the mark, so it moves forward by an add, which no other can undo.
async fn set_in_feed(
    feed: &dyn Backend,
    user: &UserId,
    to: Option<Cursor>,
    back: bool,
) -> Result<bool> {
    let newest = feed.get_stream_items(StreamQuery::new(user.clone(), 1)).await?;
    let now = newest.first().map(StreamItem::cursor);
    let Some(to) = to else {
        feed.delete_stream(DeleteStream::new(user.clone())).await?;
        return Ok(now.is_some());
    };
    if now == Some(to) || now > Some(to) && !back {
        return Ok(false);
    }
    feed.add_stream_item(AddStreamItem::new(user.clone(), NewItem::at(to, ""))?).await?;
    let beside = DeleteRange::new(user.clone());
    if now > Some(to) {
        feed.delete_range(beside.newer_than(to)).await?;
    } else if feed.capabilities().has(Capability::DeleteRange) {
        feed.delete_range(beside.older_than(to)).await?;
    }
    Ok(true)
}
