//! Pages by cursor, in both directions.

use futures_core::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::{
    Cursor, Error, ErrorKind, Result, StreamItem, backend::Position, stream::reader::Reader,
};

/// A page by cursor that is read when it is awaited.
///
/// # Errors
/// `InvalidArgument` if the limit is 0 or the items are a slice (a cursor names a place in a whole
/// stream); else those of every read.
#[derive(Debug, Clone)]
#[must_use = "nothing is read until it is awaited"]
pub struct CursorPageRequest {
    reader: Reader,
    /// Whether these are all items of the user.
    is_whole: bool,
    limit: usize,
    position: Position,
}

/// Items of a stream, newest first, and where to go from here.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CursorPage {
    /// The items.
    pub items: Vec<StreamItem>,
    /// For the page of older items, [`CursorPageRequest::after`] this; `None` if this page ends the
    /// stream.
    pub next: Option<Cursor>,
    /// For the page of newer items, [`CursorPageRequest::before`] this; `None` if this page begins
    /// the stream.
    pub previous: Option<Cursor>,
}

impl CursorPageRequest {
    pub(crate) fn new(reader: Reader, is_whole: bool, limit: usize) -> Self {
        Self { reader, is_whole, limit, position: Position::Offset(0) }
    }

    /// The page of the items that are next older than the one at `cursor`.
    pub fn after(mut self, cursor: Cursor) -> Self {
        self.position = Position::After(cursor);
        self
    }

    /// The page of the items that are next newer than the one at `cursor`, newest first as always.
    pub fn before(mut self, cursor: Cursor) -> Self {
        self.position = Position::Before(cursor);
        self
    }

    async fn fetch(self) -> Result<CursorPage> {
        let invalid = |message| {
            Err(Error::new(ErrorKind::InvalidArgument, message).with_operation("cursor_page"))
        };
        if self.limit == 0 {
            return invalid("a page of at most 0 items has no next one: give a limit of 1 or more");
        }
        if !self.is_whole {
            return invalid(
                "a cursor names a place in a whole stream, not in a slice: call `cursor_page` on \
                 the unsliced items",
            );
        }
        // One more than asked for tells whether there are more.
        let limit = u64::try_from(self.limit).unwrap_or(u64::MAX).saturating_add(1);
        let mut items = self.reader.read(self.position, limit).await?;
        let more = items.len() > self.limit;
        let backward = matches!(self.position, Position::Before(_));
        if more {
            // Going to newer items, the surplus one is the newest.
            items.remove(if backward { 0 } else { self.limit });
        }
        let came_from_newer = matches!(self.position, Position::After(_));
        let next = items.last().filter(|_| more || backward).map(StreamItem::cursor);
        let previous = items
            .first()
            .filter(|_| if backward { more } else { came_from_newer })
            .map(StreamItem::cursor);
        Ok(CursorPage { items, next, previous })
    }
}

impl IntoFuture for CursorPageRequest {
    type Output = Result<CursorPage>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.fetch())
    }
}
