//! A page of several streams.

use std::sync::Arc;

use user_streams_core::{
    Error, Result, StreamItem,
    backend::{MergedQuery, Position},
};

use super::{
    arms::Part,
    rows::{MergedStreams, Rows},
};
use crate::ops::{Store, rows::Start};

/// How many rows are read at once beyond damaged ones, repeated ones, and those that an offset
/// passes over, at the most, if fewer items are missing.
const READ_AHEAD: u64 = 256;

/// The next items of several streams from a position on, each once: as many as asked for, and fewer
/// only at their end. One exchange, and more only where rows were passed over.
pub(crate) async fn merged(
    store: &Arc<Store>,
    parts: &[Part],
    less: Vec<Part>,
    query: &MergedQuery,
) -> Result<Vec<StreamItem>> {
    let mut start = Start::new(query.position)
        .ok_or_else(|| Error::unsupported(store.backend, "a read from this position"))?;
    let streams = MergedStreams::new(store, parts, less);
    let limits = store.call_limits();
    let mut to_skip = match query.position {
        Position::Offset(offset) => offset,
        _ => 0,
    };
    let mut items: Vec<StreamItem> = Vec::new();
    let (mut missing, mut passed, mut last) = (query.limit, 0, None);
    while missing > 0 {
        // Doubled from read to read, so that any number of such rows takes few statements.
        let ahead = READ_AHEAD.min(2 * passed);
        let limit = missing.saturating_add(to_skip.min(READ_AHEAD)).max(ahead);
        let Rows { rows, end } = streams.read(limits, start, limit).await?;
        for row in rows {
            if missing == 0 {
                break;
            }
            match row.item {
                // The same in another stream.
                Ok(_) if last == Some(row.key) => passed += 1,
                Ok(item) => {
                    last = Some(row.key);
                    if to_skip > 0 {
                        to_skip -= 1;
                    } else {
                        items.push(item);
                        missing -= 1;
                    }
                }
                Err(error) => {
                    store.on_corrupt.check(error)?;
                    passed += 1;
                }
            }
        }
        match end {
            Some(end) => start = start.following(end),
            None => break,
        }
    }
    // Rows come nearest first.
    if matches!(query.position, Position::Before(_)) {
        items.reverse();
    }
    Ok(items)
}
