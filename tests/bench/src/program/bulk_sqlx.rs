//! Adding many rows with sqlx: through a temporary table on PostgreSQL, by statements with many
//! rows of values on the others.

use anyhow::{Result, bail};
use sqlx::{
    AssertSqlSafe, Connection,
    mysql::{MySqlConnection, MySqlPool},
    postgres::PgPool,
    sqlite::{SqliteConnection, SqlitePool},
};

use super::{BulkRow, copy_rows, items_of, values_statement};
use crate::feed_statements::BulkStatements;

/// Rows of values in one statement.
const VALUES: usize = 1_000;

pub(super) async fn postgres(pool: &PgPool, sql: &BulkStatements, rows: &[BulkRow]) -> Result<u64> {
    let BulkStatements::Staged { create, copy, items, deliveries } = sql else {
        bail!("PostgreSQL has a temporary table");
    };
    let mut connection = pool.acquire().await?;
    sqlx::query(*create).execute(&mut *connection).await?;
    let mut transaction = connection.begin().await?;
    let mut sink = transaction.copy_in_raw(copy).await?;
    sink.send(copy_rows(rows)).await?;
    sink.finish().await?;
    if let Some(items) = items {
        sqlx::query(*items).execute(&mut *transaction).await?;
    }
    let added = sqlx::query(*deliveries).execute(&mut *transaction).await?.rows_affected();
    transaction.commit().await?;
    Ok(added)
}

macro_rules! with_values {
    ($name:ident, $insert:ident, $pool:ty, $connection:ty, $begin:literal) => {
        pub(super) async fn $name(
            pool: &$pool,
            sql: &BulkStatements,
            rows: &[BulkRow],
        ) -> Result<u64> {
            let BulkStatements::Values { items, deliveries } = sql else {
                bail!("there is no temporary table");
            };
            let mut transaction = pool.begin_with($begin).await?;
            if let Some(items) = items {
                $insert(&mut transaction, *items, &items_of(rows), [false, true]).await?;
            }
            let columns = [true, items.is_none()];
            let rows: Vec<_> = rows.iter().collect();
            let added = $insert(&mut transaction, *deliveries, &rows, columns).await?;
            transaction.commit().await?;
            Ok(added)
        }

        async fn $insert(
            connection: &mut $connection,
            sql: [&str; 2],
            rows: &[&BulkRow],
            [user, content]: [bool; 2],
        ) -> Result<u64> {
            let columns = 2 + usize::from(user) + usize::from(content);
            let full = values_statement(sql, VALUES, columns);
            let mut added = 0;
            for chunk in rows.chunks(VALUES) {
                let text = match chunk.len() {
                    VALUES => full.clone(),
                    fewer => values_statement(sql, fewer, columns),
                };
                let mut statement = sqlx::query(AssertSqlSafe(text));
                for row in chunk {
                    if user {
                        statement = statement.bind(row.user);
                    }
                    statement = statement.bind(row.created_at_us).bind(row.id);
                    if content {
                        statement = statement.bind(&row.content);
                    }
                }
                added += statement.execute(&mut *connection).await?.rows_affected();
            }
            Ok(added)
        }
    };
}

with_values!(sqlite, insert_sqlite, SqlitePool, SqliteConnection, "BEGIN IMMEDIATE");
with_values!(mysql, insert_mysql, MySqlPool, MySqlConnection, "BEGIN");
