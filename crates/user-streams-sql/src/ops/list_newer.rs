//! What is newer in the streams of many users.

use std::sync::Arc;

use sea_orm::Value;
use user_streams_core::{Cursor, Result, StreamItem, UserId, backend::ListNewer};

use super::{
    Store, list_users,
    rows::{bigint, key},
};
use crate::{
    Dialect,
    dialect::values,
    error::from_db,
    pool::{Executor, Limits},
    row::ResultRow,
};

/// Users in one statement.
const CHUNK: usize = 1_000;

/// Up to a limit of the items of some users that are newer than a place, in any order.
pub(crate) async fn list_newer(
    store: &Arc<Store>,
    query: ListNewer,
) -> Result<Vec<(UserId, Cursor)>> {
    query.users.iter().try_for_each(|user| user.check(store.schema.user_id))?;
    let limits = store.call_limits();
    let mut newer = Vec::new();
    for users in query.users.chunks(CHUNK) {
        let left = query.limit.saturating_sub(newer.len() as u64);
        if left == 0 {
            break;
        }
        newer.extend(newer_of(store, limits, users, query.than, left).await?);
    }
    Ok(newer)
}

async fn newer_of(
    store: &Arc<Store>,
    limits: Limits,
    users: &[UserId],
    than: Cursor,
    limit: u64,
) -> Result<Vec<(UserId, Cursor)>> {
    let dialect = store.dialect();
    let (than, limit) = (values::keyset(dialect, key(than)), bigint(limit));
    let (count, values) = match dialect {
        Dialect::Sqlite => (1, [vec![all(store, users)], than, vec![limit]].concat()),
        Dialect::Postgres => (1, [vec![all(store, users), limit], than].concat()),
        Dialect::MySql => {
            let listed = listed(users);
            (listed.len(), [listed, than, vec![limit]].concat())
        }
    };
    let sql = store.statements.list_newer.sql(count).into_owned();
    let read = |mut executor: Box<dyn Executor>| async move { executor.query(&sql, values).await };
    let rows = store.read(limits, read).await?;
    rows.iter().filter_map(|row| place(store, row).transpose()).collect()
}

fn all(store: &Store, users: &[UserId]) -> Value {
    values::users(store.dialect(), store.schema.user_id, users)
}

/// Each user as a value, and the last one again up to a power of two, so that few statements are
/// prepared.
fn listed(users: &[UserId]) -> Vec<Value> {
    let mut values: Vec<_> = users.iter().map(|id| values::user(Dialect::MySql, id)).collect();
    if let Some(last) = values.last().cloned() {
        values.resize(values.len().next_power_of_two(), last);
    }
    values
}

/// A user and a place; none for a row that no page can show.
fn place(store: &Store, row: &ResultRow) -> Result<Option<(UserId, Cursor)>> {
    let number = |index| row.get::<i64>(index).map_err(from_db);
    let (Ok(at), Ok(id)) = (number(1), number(2)) else { return Ok(None) };
    let Ok(item) = StreamItem::from_stored(id, at, String::new()) else { return Ok(None) };
    Ok(Some((list_users::user(store, row)?, item.cursor())))
}
