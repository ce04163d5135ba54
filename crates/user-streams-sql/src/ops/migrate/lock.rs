//! The lock that serializes the migrations of several processes.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseTransaction, TryGetable, Value};
use user_streams_core::{Error, ErrorKind, Result};
use uuid::Uuid;

use super::query::query;
use crate::{Dialect, error::from_db, ops::Store};

/// The lock.
pub(super) struct MigrationLock {
    /// On MySQL, whose named locks outlive a transaction.
    name: Option<String>,
}

impl MigrationLock {
    /// Waits up to `operation_timeout` for other processes that migrate.
    pub(super) async fn take(store: &Store, transaction: &DatabaseTransaction) -> Result<Self> {
        let (wait, table) = (store.pools.timeouts.operation, &store.schema.table);
        match store.dialect() {
            // The transaction has the write lock already.
            Dialect::Sqlite => Ok(Self { name: None }),
            Dialect::Postgres => {
                let limit = format!("SET LOCAL lock_timeout = {}", wait.as_millis());
                transaction.execute_unprepared(&limit).await.map_err(from_db)?;
                let name = format!("user_streams:{table}");
                let lock = "SELECT pg_advisory_xact_lock(hashtext($1)::bigint)";
                match query(transaction, lock, vec![name.into()]).await {
                    Err(error) if error.kind() == ErrorKind::Conflict => {
                        Err(lock_timeout(wait, "an advisory lock").with_source(error))
                    }
                    locked => locked.map(|_| Self { name: None }),
                }
            }
            Dialect::MySql => Self::take_named(transaction, table, wait).await,
        }
    }

    /// Named locks are those of the whole server, so the name has that of the database.
    async fn take_named(
        transaction: &DatabaseTransaction,
        table: &str,
        wait: Duration,
    ) -> Result<Self> {
        let database: Option<String> = first(transaction, "SELECT DATABASE()", Vec::new()).await?;
        let name = lock_name(&database.unwrap_or_default(), table);
        let values = vec![name.as_str().into(), wait.as_secs_f64().into()];
        let locked: Option<i64> = first(transaction, "SELECT GET_LOCK(?, ?)", values).await?;
        if locked == Some(1) {
            return Ok(Self { name: Some(name) });
        }
        let session = "SELECT CAST(IS_USED_LOCK(?) AS SIGNED)";
        let session: Option<i64> = first(transaction, session, vec![name.as_str().into()]).await?;
        let session =
            session.map_or("no session now".to_owned(), |number| format!("session {number}"));
        Err(lock_timeout(wait, &format!("the lock {name:?}, which {session} has")))
    }

    pub(super) async fn release(self, transaction: &DatabaseTransaction) -> Result<()> {
        if let Some(name) = self.name {
            query(transaction, "SELECT RELEASE_LOCK(?)", vec![name.into()]).await?;
        }
        Ok(())
    }
}

fn lock_timeout(wait: Duration, lock: &str) -> Error {
    let message = format!(
        "another process is migrating, or else holds {lock}: it was not free within {} s \
         (`operation_timeout`)",
        wait.as_secs_f64()
    );
    Error::new(ErrorKind::Timeout, message)
}

/// The value in the first column of the first row.
async fn first<T: TryGetable>(
    transaction: &DatabaseTransaction,
    sql: &str,
    values: Vec<Value>,
) -> Result<Option<T>> {
    let rows = query(transaction, sql, values).await?;
    Ok(rows.first().map(|row| row.try_get_by_index(0).map_err(from_db)).transpose()?.flatten())
}

/// At most 64 characters, MySQL's limit.
fn lock_name(database: &str, table: &str) -> String {
    let name = format!("user_streams:{database}.{table}");
    if name.chars().count() <= 64 {
        return name;
    }
    format!("user_streams:{}", Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::lock_name;

    #[test]
    fn names_of_locks_have_their_database_and_are_short_enough() {
        assert_eq!(lock_name("app", "feed"), "user_streams:app.feed");
        let long = [lock_name("a", &"x".repeat(60)), lock_name("b", &"x".repeat(60))];
        assert!(long.iter().all(|name| name.len() <= 64));
        assert_ne!(long[0], long[1]);
    }
}
