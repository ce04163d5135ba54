//! Reading a page.

use std::sync::Arc;

use user_streams_core::{
    Error, Result, StreamItem,
    backend::{Position, StreamQuery},
};

use super::{
    Store,
    rows::{self, Start},
};

/// How many rows are read at once beyond a damaged one, at the most, if fewer items are missing.
const READ_AHEAD: u64 = 256;

/// The next items of one user from a position on: as many as asked for, and fewer only at the end
/// of the stream. One statement, and more only where damaged rows were passed over.
pub(crate) async fn page(store: &Arc<Store>, query: StreamQuery) -> Result<Vec<StreamItem>> {
    let limits = store.call_limits();
    let mut start = Start::new(query.position)
        .ok_or_else(|| Error::unsupported(store.backend, "a read from this position"))?;
    let mut items = Vec::new();
    let mut missing = query.limit;
    let mut damaged = 0;
    loop {
        // Doubled from read to read, so that any number of damaged rows takes few statements.
        let limit = missing.max(READ_AHEAD.min(2 * damaged));
        let rows = rows::read(store, limits, &query.user, start, limit).await?;
        let last = rows.last().map(|row| row.key).filter(|_| rows.len() as u64 == limit);
        for row in rows {
            if missing == 0 {
                break;
            }
            match row.item {
                Ok(item) => {
                    items.push(item);
                    missing -= 1;
                }
                Err(error) => {
                    store.on_corrupt.check(error)?;
                    damaged += 1;
                }
            }
        }
        match last {
            Some(last) if missing > 0 => start = start.following(last),
            _ => break,
        }
    }
    // Rows come nearest first.
    if matches!(query.position, Position::Before(_)) {
        items.reverse();
    }
    Ok(items)
}
