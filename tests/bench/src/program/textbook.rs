//! A hand-written program on the textbook schema: a serial primary key, and an index for the feed.
//! On PostgreSQL, for W2 and W6.

use std::{ops::RangeInclusive, sync::Arc};

use anyhow::{Result, bail};
use async_trait::async_trait;
use sqlx::{Executor, PgPool, postgres::PgPoolOptions};

use super::{Program, chunks, timestamp_and_id};

const MANY: &str = "INSERT INTO bench_textbook (user_id, created_at, content) \
                    SELECT u, to_timestamp($1::bigint / 1e6), $2 FROM unnest($3::bigint[]) AS u";
const QUERY: &str = "INSERT INTO bench_textbook (user_id, created_at, content) \
                     SELECT id, to_timestamp($1::bigint / 1e6), $2 FROM bench_users WHERE id <= $3";

struct Textbook(PgPool);

/// Connects to an empty table of its own.
pub(crate) async fn connect(url: &str) -> Result<Arc<dyn Program>> {
    let pool =
        PgPoolOptions::new().max_connections(1).test_before_acquire(false).connect(url).await?;
    for sql in [
        "DROP TABLE IF EXISTS bench_textbook",
        "CREATE TABLE bench_textbook (id BIGSERIAL PRIMARY KEY, user_id BIGINT NOT NULL, \
         created_at TIMESTAMPTZ NOT NULL, content TEXT NOT NULL)",
        "CREATE INDEX bench_textbook_feed ON bench_textbook (user_id, created_at, id)",
    ] {
        pool.execute(sql).await?;
    }
    Ok(Arc::new(Textbook(pool)))
}

#[async_trait]
impl Program for Textbook {
    fn name(&self) -> &'static str {
        "textbook schema"
    }

    async fn add(&self, user: i64, content: &str) -> Result<()> {
        self.broadcast(&[user], content).await?;
        Ok(())
    }

    async fn broadcast(&self, users: &[i64], content: &str) -> Result<u64> {
        let statement = sqlx::query(MANY).bind(timestamp_and_id().0).bind(content).bind(users);
        Ok(statement.execute(&self.0).await?.rows_affected())
    }

    async fn broadcast_stream(&self, users: RangeInclusive<i64>, content: &str) -> Result<u64> {
        let mut transaction = self.0.begin().await?;
        let (at, mut delivered) = (timestamp_and_id().0, 0);
        for chunk in chunks(users, 10_000) {
            let statement = sqlx::query(MANY).bind(at).bind(content).bind(chunk);
            delivered += statement.execute(&mut *transaction).await?.rows_affected();
        }
        transaction.commit().await?;
        Ok(delivered)
    }

    async fn broadcast_query(&self, up_to: i64, content: &str) -> Result<u64> {
        let statement = sqlx::query(QUERY).bind(timestamp_and_id().0).bind(content).bind(up_to);
        Ok(statement.execute(&self.0).await?.rows_affected())
    }

    async fn page(&self, _: i64, _: u64) -> Result<usize> {
        bail!("only its broadcasts are measured")
    }

    async fn page_after(&self, _: i64, _: i64, _: i64) -> Result<usize> {
        bail!("only its broadcasts are measured")
    }

    async fn count(&self, _: i64) -> Result<u64> {
        bail!("only its broadcasts are measured")
    }
}
