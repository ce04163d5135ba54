//! What reads several streams as one.

use crate::{Cursor, Name, UserId, backend::Position};

/// The argument of [`Backend::get_merged`](crate::backend::Backend::get_merged).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct MergedQuery {
    /// The streams whose items are there; one at least.
    pub parts: Vec<MergedPart>,
    /// The streams whose items are not there, also where they are in a part. Only the places of
    /// their items count.
    pub less: Vec<MergedPart>,
    /// Where to begin, in the merged stream.
    pub position: Position,
    /// How many items at the most.
    pub limit: u64,
}

/// A stream of the main ones or of a feed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct MergedPart {
    /// The feed whose stream it is, as it was given to
    /// [`Backend::feed`](crate::backend::Backend::feed); the main streams without.
    pub feed: Option<Name>,
    /// Whose stream. The id is of the kind that the feed has.
    pub user: UserId,
    /// Only items newer than this are there.
    pub newer_than: Option<Cursor>,
}

impl MergedQuery {
    /// The newest `limit` items of these streams.
    pub fn new(parts: Vec<MergedPart>, limit: u64) -> Self {
        Self { parts, less: Vec::new(), position: Position::Offset(0), limit }
    }

    /// The same without the items of these streams.
    #[must_use]
    pub fn less(mut self, less: Vec<MergedPart>) -> Self {
        self.less = less;
        self
    }

    /// The same from another position.
    #[must_use]
    pub fn with_position(mut self, position: Position) -> Self {
        self.position = position;
        self
    }
}

impl MergedPart {
    /// The stream of `user`, in the main streams or in a feed.
    pub fn new(feed: Option<Name>, user: UserId) -> Self {
        Self { feed, user, newer_than: None }
    }

    /// Only what is newer than `place`.
    #[must_use]
    pub fn newer_than(mut self, place: Option<Cursor>) -> Self {
        self.newer_than = place;
        self
    }
}
