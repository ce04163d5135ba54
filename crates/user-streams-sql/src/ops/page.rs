//! Reading a page.

use std::{cmp::Reverse, sync::Arc};

use sea_orm::{QueryResult, Value};
use user_streams_core::{
    Cursor, Error, Result, StreamItem,
    backend::{Position, StreamQuery},
};

use super::Store;
use crate::{Dialect, error::from_db, pool::Executor};

/// The items of one user at a position.
pub(crate) async fn page(store: &Arc<Store>, query: StreamQuery) -> Result<Vec<StreamItem>> {
    let user = store.user(&query.user)?;
    let limit = bigint(query.limit);
    let dialect = store.dialect();
    let statements = &store.statements.page;
    let (sql, values) = match query.position {
        Position::Offset(offset) => (&statements.at_offset, vec![user, limit, bigint(offset)]),
        Position::After(cursor) => (&statements.after, keyset_values(dialect, user, cursor, limit)),
        Position::Before(cursor) => {
            (&statements.before, keyset_values(dialect, user, cursor, limit))
        }
        _ => return Err(Error::unsupported(store.backend, "a read from this position")),
    };
    let sql = sql.clone();
    let read = |mut executor: Box<dyn Executor>| async move { executor.query(&sql, values).await };
    let rows = store.read(store.call_limits(), read).await?;
    let mut items = rows.iter().map(item).collect::<Result<Vec<_>>>()?;
    // Sorted here, so that the statement's plan needs no sort. It costs nothing for sorted rows.
    items.sort_unstable_by_key(|item| Reverse(item.cursor()));
    Ok(items)
}

fn keyset_values(dialect: Dialect, user: Value, cursor: Cursor, limit: Value) -> Vec<Value> {
    let at = Value::from(cursor.created_at_us());
    let mut values = vec![user, at.clone()];
    if dialect == Dialect::MySql {
        values.push(at);
    }
    values.extend([cursor.id().get().into(), limit]);
    values
}

/// A limit or an offset. No database has more rows than `i64::MAX`.
fn bigint(number: u64) -> Value {
    i64::try_from(number).unwrap_or(i64::MAX).into()
}

fn item(row: &QueryResult) -> Result<StreamItem> {
    let get = |index| row.try_get_by_index::<i64>(index).map_err(from_db);
    StreamItem::from_stored(get(0)?, get(1)?, row.try_get_by_index(2).map_err(from_db)?)
}
