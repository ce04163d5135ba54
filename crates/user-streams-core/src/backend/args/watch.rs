//! What tells which streams have changed.

use futures_core::stream::BoxStream;

use crate::{Cursor, Name, Result, UserId};

/// What [`Backend::watch`](crate::backend::Backend::watch) gives: hints, from now on.
pub type Hints = BoxStream<'static, Result<Hint>>;

/// That items have come into streams: too often is allowed, too seldom is not.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Hint {
    /// The feed whose streams they are; the main streams without.
    pub feed: Option<Name>,
    /// Whose streams; of a broadcast this may be unknown.
    pub users: Option<Vec<UserId>>,
    /// The item, if it is one and known.
    pub item: Option<Cursor>,
}

impl Hint {
    /// That the streams of some users have changed, of whom nobody knows who they are: with
    /// [`with_item`](Self::with_item) of those who have the item, without it of anyone.
    pub fn new(feed: Option<Name>) -> Self {
        Self { feed, users: None, item: None }
    }

    /// The streams of these users and of no others.
    #[must_use]
    pub fn with_users(mut self, users: Vec<UserId>) -> Self {
        self.users = Some(users);
        self
    }

    /// By this item alone.
    #[must_use]
    pub fn with_item(mut self, item: Cursor) -> Self {
        self.item = Some(item);
        self
    }
}

/// The argument of [`Backend::list_newer`](crate::backend::Backend::list_newer).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ListNewer {
    /// Whose streams, each once.
    pub users: Vec<UserId>,
    /// Only items newer than this are listed.
    pub than: Cursor,
    /// How many at the most.
    pub limit: u64,
}

impl ListNewer {
    /// Up to `limit` items of these users that are newer than `place`.
    pub fn new(users: Vec<UserId>, place: Cursor, limit: u64) -> Self {
        Self { users, than: place, limit }
    }
}
