//! The list of those who have a stream.

use std::sync::Arc;

use user_streams_core::{
    Error, ErrorKind, Result, UserId, UserIdKind,
    backend::{ListUsers, UsersCursor, UsersPage},
};
use uuid::Uuid;

use super::{Store, rows::bigint};
use crate::{Dialect, dialect::values, error::from_db, pool::Executor, row::ResultRow};

/// How many entries of the index MySQL reads for each user asked for, and at the least and most: so
/// that no call depends on how long the streams are.
const ENTRIES_A_USER: u64 = 16;
const ENTRIES: (u64, u64) = (1_000, 100_000);

/// The next users, in the order of their ids.
pub(crate) async fn list_users(store: &Arc<Store>, query: ListUsers) -> Result<UsersPage> {
    let limit = query.limit.max(1);
    let rows_limit = match store.dialect() {
        Dialect::MySql => limit.saturating_mul(ENTRIES_A_USER).clamp(ENTRIES.0, ENTRIES.1),
        // One more shows whether there are more.
        _ => limit.saturating_add(1),
    };
    let (sql, mut values) = match &query.after {
        None => (&store.statements.list_users.first, Vec::new()),
        Some(place) => {
            let user = values::user(store.dialect(), &parse(store, place)?);
            (&store.statements.list_users.after, vec![user])
        }
    };
    values.push(bigint(rows_limit));
    let sql = sql.clone();
    let read = |mut executor: Box<dyn Executor>| async move { executor.query(&sql, values).await };
    let rows = store.read(store.call_limits(), read).await?;
    let mut read_rows = 0;
    let mut users = Vec::with_capacity(rows.len());
    for row in &rows {
        let count: i64 = row.get(1).map_err(from_db)?;
        read_rows += count.unsigned_abs();
        users.push(user(store, row)?);
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = users.len() > limit || read_rows >= rows_limit;
    users.truncate(limit);
    let place = |user| serde_json::to_string(user).ok().map(UsersCursor::new);
    let next = users.last().filter(|_| has_more).and_then(place);
    Ok(UsersPage::new(users, next))
}

fn parse(store: &Store, place: &UsersCursor) -> Result<UserId> {
    let wrong = |error: Box<dyn std::error::Error + Send + Sync>| {
        Error::new(ErrorKind::InvalidCursor, "not a place in this list of users").with_source(error)
    };
    let user: UserId = serde_json::from_str(place.as_str()).map_err(|error| wrong(error.into()))?;
    user.check(store.schema.user_id).map_err(|error| wrong(error.into()))?;
    Ok(user)
}

pub(super) fn user(store: &Store, row: &ResultRow) -> Result<UserId> {
    let damaged = |error: Box<dyn std::error::Error + Send + Sync>| {
        let message = format!("a user id in the table `{}` cannot be read", store.schema.table);
        Error::new(ErrorKind::Corrupt, message).with_source(error)
    };
    match (store.schema.user_id, store.dialect()) {
        (UserIdKind::BigInt, _) => row.get::<i64>(0).map(UserId::Int),
        (UserIdKind::Uuid, _) => row.get::<Uuid>(0).map(UserId::Uuid),
        (_, Dialect::MySql) => {
            let bytes: Vec<u8> = row.get(0).map_err(|error| damaged(error.into()))?;
            return String::from_utf8(bytes)
                .map(UserId::Text)
                .map_err(|error| damaged(error.into()));
        }
        _ => row.get::<String>(0).map(UserId::Text),
    }
    .map_err(|error| damaged(error.into()))
}
