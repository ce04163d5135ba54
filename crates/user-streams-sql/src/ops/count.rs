//! Counting a stream, or what is newer than a place.

use std::sync::Arc;

use sea_orm::Value;
use user_streams_core::{
    Error, Result,
    backend::{CountNewer, CountQuery, Than},
};

use super::{
    Store,
    rows::{bigint, key},
};
use crate::{Dialect, dialect::values, error::from_db, pool::Executor};

/// The number of a user's items.
pub(crate) async fn count(store: &Arc<Store>, query: CountQuery) -> Result<u64> {
    let user = store.user(&query.user)?;
    number(store, &store.statements.count, vec![user]).await
}

/// The number of a user's items that are newer than a place, up to a limit.
pub(crate) async fn count_newer(store: &Arc<Store>, query: CountNewer) -> Result<u64> {
    let (dialect, user) = (store.dialect(), store.user(&query.user)?);
    let statements = &store.statements.count_newer;
    let (statement, mut values) = match query.than {
        Than::Cursor(place) => {
            let keyset = values::keyset(dialect, key(place));
            (&statements.than_place, [vec![user], keyset].concat())
        }
        Than::Mark(name) => {
            let mark = [user.clone(), values::name(dialect, &name)];
            let values = match dialect {
                Dialect::MySql => [&mark[..], &[user]].concat(),
                _ => [&[user][..], &mark, &mark].concat(),
            };
            (&statements.than_mark, values)
        }
        _ => return Err(Error::unsupported(store.backend, "a count from this place")),
    };
    values.push(bigint(query.limit));
    number(store, statement.sql(query.limit), values).await
}

/// The number in the first column of the only row.
async fn number(store: &Arc<Store>, sql: &str, values: Vec<Value>) -> Result<u64> {
    let sql = sql.to_owned();
    let read = |mut executor: Box<dyn Executor>| async move { executor.query(&sql, values).await };
    let rows = store.read(store.call_limits(), read).await?;
    let count: Option<i64> = rows.first().map(|row| row.get(0).map_err(from_db)).transpose()?;
    Ok(count.and_then(|count| count.try_into().ok()).unwrap_or_default())
}
