//! Hand-written programs on sqlx, the library's driver. They differ in the type of the pool and in
//! how ids are bound.

use std::{ops::RangeInclusive, time::Duration};

use anyhow::Result;
use async_trait::async_trait;
use sqlx::{
    Row,
    mysql::{MySqlPool, MySqlPoolOptions},
    postgres::{PgPool, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions},
};

use super::{
    AUTOCHECKPOINT_PAGES, BulkRow, CHUNK, Item, PAGE, Program, bulk_sqlx, chunks, consume, json,
    timestamp_and_id,
};
use crate::{statements::Statements, store::Store};

pub(super) const NAME: &str = "sqlx";

pub(super) async fn sqlite(store: &Store) -> Result<Sqlite> {
    let options: SqliteConnectOptions = store.url.parse()?;
    let options = options
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(10))
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(store.synchronous().parse()?)
        .pragma("wal_autocheckpoint", AUTOCHECKPOINT_PAGES);
    let pool = |size| SqlitePoolOptions::new().max_connections(size).test_before_acquire(false);
    Ok(Sqlite {
        name: NAME,
        // SQLite has one writer at a time: with one connection nobody polls for its lock.
        writer: pool(1).connect_with(options.clone()).await?,
        readers: pool(4).connect_with(options).await?,
        sql: Statements::new(store),
    })
}

pub(super) async fn postgres(
    store: &Store,
    name: &'static str,
    sql: Statements,
) -> Result<Postgres> {
    let pool = PgPoolOptions::new()
        .max_connections(10)
        .test_before_acquire(false)
        .connect(&store.url)
        .await?;
    Ok(Postgres { name, writer: pool.clone(), readers: pool, sql })
}

pub(super) async fn mysql(store: &Store) -> Result<Mysql> {
    let pool = MySqlPoolOptions::new()
        .max_connections(10)
        .test_before_acquire(false)
        .connect(&store.url)
        .await?;
    Ok(Mysql { name: NAME, writer: pool.clone(), readers: pool, sql: Statements::new(store) })
}

macro_rules! program {
    ($program:ident, $pool:ty, $begin:literal, $ids:expr, $twice:literal, $bulk:path) => {
        pub(super) struct $program {
            name: &'static str,
            writer: $pool,
            readers: $pool,
            sql: Statements,
        }

        impl $program {
            /// Executes a statement for each chunk of ids, in a transaction if there are several.
            async fn deliver(
                &self,
                mut chunks: impl Iterator<Item = Vec<i64>> + Send,
                several: bool,
                content: &str,
            ) -> Result<u64> {
                let (at, id) = timestamp_and_id();
                let mut delivered = 0;
                if self.sql.item.is_none() && !several {
                    for chunk in chunks {
                        let statement = sqlx::query(self.sql.many)
                            .bind(at)
                            .bind(id)
                            .bind(content)
                            .bind($ids(chunk));
                        delivered += statement.execute(&self.writer).await?.rows_affected();
                    }
                    return Ok(delivered);
                }
                let mut transaction = self.writer.begin_with($begin).await?;
                if let Some(item) = self.sql.item {
                    sqlx::query(item)
                        .bind(at)
                        .bind(id)
                        .bind(content)
                        .execute(&mut *transaction)
                        .await?;
                }
                while let Some(chunk) = chunks.next() {
                    let mut statement = sqlx::query(self.sql.many).bind(at).bind(id);
                    if self.sql.item.is_none() {
                        statement = statement.bind(content);
                    }
                    let statement = statement.bind($ids(chunk));
                    delivered += statement.execute(&mut *transaction).await?.rows_affected();
                }
                transaction.commit().await?;
                Ok(delivered)
            }

            async fn with_one(&self, sql: &'static str, last: i64, content: &str) -> Result<u64> {
                let (at, id) = timestamp_and_id();
                let Some(item) = self.sql.item else {
                    let statement = sqlx::query(sql).bind(at).bind(id).bind(content).bind(last);
                    return Ok(statement.execute(&self.writer).await?.rows_affected());
                };
                let mut transaction = self.writer.begin_with($begin).await?;
                sqlx::query(item)
                    .bind(at)
                    .bind(id)
                    .bind(content)
                    .execute(&mut *transaction)
                    .await?;
                let statement = sqlx::query(sql).bind(at).bind(id).bind(last);
                let delivered = statement.execute(&mut *transaction).await?.rows_affected();
                transaction.commit().await?;
                Ok(delivered)
            }
        }

        #[async_trait]
        impl Program for $program {
            fn name(&self) -> &'static str {
                self.name
            }

            async fn add(&self, user: i64, content: &str) -> Result<()> {
                self.with_one(self.sql.one, user, content).await?;
                Ok(())
            }

            async fn broadcast(&self, users: &[i64], content: &str) -> Result<u64> {
                let several = users.len() > CHUNK;
                self.deliver(users.chunks(CHUNK).map(<[i64]>::to_vec), several, content).await
            }

            async fn broadcast_stream(
                &self,
                users: RangeInclusive<i64>,
                content: &str,
            ) -> Result<u64> {
                self.deliver(chunks(users, CHUNK), true, content).await
            }

            async fn broadcast_query(&self, up_to: i64, content: &str) -> Result<u64> {
                self.with_one(self.sql.query, up_to, content).await
            }

            async fn page(&self, user: i64, offset: u64) -> Result<usize> {
                let (limit, offset) = (i64::try_from(PAGE)?, i64::try_from(offset)?);
                let statement = sqlx::query(self.sql.page).bind(user).bind(limit).bind(offset);
                let rows = statement.fetch_all(&self.readers).await?;
                Ok(consume(rows.iter().map(item).collect::<Result<_>>()?))
            }

            async fn page_after(&self, user: i64, created_at_us: i64, id: i64) -> Result<usize> {
                let mut statement = sqlx::query(self.sql.after).bind(user).bind(created_at_us);
                if $twice {
                    statement = statement.bind(created_at_us);
                }
                let rows = statement
                    .bind(id)
                    .bind(i64::try_from(PAGE + 1)?)
                    .fetch_all(&self.readers)
                    .await?;
                Ok(consume(rows.iter().map(item).collect::<Result<_>>()?).min(PAGE))
            }

            async fn count(&self, user: i64) -> Result<u64> {
                let count: i64 =
                    sqlx::query_scalar(self.sql.count).bind(user).fetch_one(&self.readers).await?;
                Ok(count.try_into()?)
            }

            async fn unread(&self, user: i64, limit: usize) -> Result<usize> {
                let statement = sqlx::query_scalar(self.sql.feeds.unread);
                let statement = statement.bind(user).bind(i64::try_from(limit)?);
                let count: i64 = statement.fetch_one(&self.readers).await?;
                Ok(count.try_into()?)
            }

            async fn mark_read(&self, user: i64, (at, id): (i64, i64)) -> Result<()> {
                let statement = sqlx::query(self.sql.feeds.mark_read).bind(user).bind(at).bind(id);
                statement.execute(&self.writer).await?;
                Ok(())
            }

            async fn bulk_add(&self, rows: Vec<BulkRow>) -> Result<u64> {
                $bulk(&self.writer, &self.sql.feeds.bulk, &rows).await
            }

            async fn remove(&self, users: &[i64], (at, id): (i64, i64)) -> Result<u64> {
                let ids = $ids;
                let users = ids(users.to_vec());
                let statement = sqlx::query(self.sql.feeds.remove).bind(users).bind(at).bind(id);
                Ok(statement.execute(&self.writer).await?.rows_affected())
            }
        }
    };
}

fn item<R: Row>(row: &R) -> Result<Item>
where
    usize: sqlx::ColumnIndex<R>,
    for<'r> i64: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
    for<'r> String: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
{
    Ok(Item { id: row.try_get(0)?, created_at_us: row.try_get(1)?, content: row.try_get(2)? })
}

program!(
    Sqlite,
    SqlitePool,
    "BEGIN IMMEDIATE",
    |ids: Vec<i64>| json(&ids),
    false,
    bulk_sqlx::sqlite
);
program!(Postgres, PgPool, "BEGIN", |ids: Vec<i64>| ids, false, bulk_sqlx::postgres);
program!(Mysql, MySqlPool, "BEGIN", |ids: Vec<i64>| json(&ids), true, bulk_sqlx::mysql);
