//! Whether streams have items.

use std::sync::Arc;

use user_streams_core::{Result, backend::Contains};

use super::{Store, rows::key};
use crate::{dialect::Row, error::from_db, pool::Executor};

/// Pairs in one statement.
const CHUNK: usize = 500;

/// For each pair, in order, whether that user's stream has that item.
pub(crate) async fn contains(store: &Arc<Store>, query: Contains) -> Result<Vec<bool>> {
    for (user, _) in &query.pairs {
        user.check(store.schema.user_id)?;
    }
    let limits = store.call_limits();
    let mut is_there = vec![false; query.pairs.len()];
    for (pairs, is_there) in query.pairs.chunks(CHUNK).zip(is_there.chunks_mut(CHUNK)) {
        let row = |(user, item)| {
            let (created_at_us, id) = key(item);
            Row { user: Some(user), created_at_us, id, content: None }
        };
        let rows: Vec<_> = pairs.iter().map(|(user, item)| row((user, *item))).collect();
        let values = Row::source(store.dialect(), store.schema.user_id, &rows);
        let read = {
            let store = Arc::clone(store);
            |mut executor: Box<dyn Executor>| async move {
                executor.query(&store.statements.contains, values).await
            }
        };
        for found in store.read(limits, read).await? {
            let number: i64 = found.get(0).map_err(from_db)?;
            let index = usize::try_from(number - 1).ok();
            if let Some(answer) = index.and_then(|index| is_there.get_mut(index)) {
                *answer = true;
            }
        }
    }
    Ok(is_there)
}
