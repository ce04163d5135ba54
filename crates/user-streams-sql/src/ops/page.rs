//! Reading a page.

use std::sync::Arc;

use sea_orm::{QueryResult, Value};
use user_streams_core::{Cursor, Position, Result, StreamItem, StreamQuery};

use super::Store;
use crate::{Dialect, error::from_db, pool::Access};

/// The items of one user from a position on.
pub(crate) async fn page(store: &Arc<Store>, query: StreamQuery) -> Result<Vec<StreamItem>> {
    let user = store.user(&query.user)?;
    let limit = number(query.limit);
    let dialect = store.dialect();
    let values = match query.position {
        Position::Offset(offset) => vec![user, limit, number(offset)],
        Position::After(cursor) | Position::Before(cursor) => keyset(dialect, user, cursor, limit),
    };
    let its = Arc::clone(store);
    let work = |mut on: Box<dyn crate::pool::Executor>| async move {
        let statements = &its.statements;
        let sql = match query.position {
            Position::Offset(_) => &statements.page,
            Position::After(_) => &statements.page_after,
            Position::Before(_) => &statements.page_before,
        };
        on.query(sql, values).await
    };
    let rows = store.pools.run(Access::Read, store.call(), work).await?;
    let mut items = rows.iter().map(item).collect::<Result<Vec<_>>>()?;
    // The statement chooses the rows; their order is made here, where it needs no plan. It costs
    // nothing on rows in order.
    items.sort_unstable_by_key(|item| std::cmp::Reverse(item.cursor()));
    Ok(items)
}

fn keyset(dialect: Dialect, user: Value, cursor: Cursor, limit: Value) -> Vec<Value> {
    let at = Value::from(cursor.created_at_us());
    let mut values = vec![user, at.clone()];
    if dialect == Dialect::MySql {
        values.push(at);
    }
    values.extend([cursor.id().get().into(), limit]);
    values
}

/// A limit or an offset. No database has more rows than fit.
fn number(number: u64) -> Value {
    i64::try_from(number).unwrap_or(i64::MAX).into()
}

fn item(row: &QueryResult) -> Result<StreamItem> {
    let get = |index| row.try_get_by_index::<i64>(index).map_err(from_db);
    StreamItem::from_stored(get(0)?, get(1)?, row.try_get_by_index(2).map_err(from_db)?)
}
