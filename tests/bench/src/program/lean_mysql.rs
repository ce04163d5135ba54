//! A hand-written program on mysql_async.

use std::ops::RangeInclusive;

use anyhow::{Context, Result, bail};
use async_trait::async_trait;
use mysql_async::{
    Conn, Opts, OptsBuilder, Pool, PoolConstraints, PoolOpts, Value, prelude::Queryable,
};

use super::{
    BulkRow, CHUNK, Item, PAGE, Program, chunks, consume, items_of, json, timestamp_and_id,
    values_statement,
};
use crate::{feed_statements::BulkStatements, statements::Statements, store::Store};

/// Rows of values in one statement.
const VALUES: usize = 1_000;

pub(super) struct MysqlAsync {
    pool: Pool,
    sql: Statements,
}

impl MysqlAsync {
    pub(super) async fn connect(store: &Store) -> Result<Self> {
        let constraints =
            PoolConstraints::new(10, 10).context("a pool of ten connections is impossible")?;
        // Resetting a connection after each use would cost a round trip.
        let options =
            PoolOpts::default().with_constraints(constraints).with_reset_connection(false);
        let options = OptsBuilder::from_opts(Opts::from_url(&store.url)?)
            .pool_opts(options)
            .tcp_nodelay(true);
        let pool = Pool::new(options.prefer_socket(false));
        drop(pool.get_conn().await?);
        Ok(Self { pool, sql: Statements::new(store) })
    }

    /// Executes a statement for each of `values`, its last parameter; in a transaction if there are
    /// several.
    async fn deliver(
        &self,
        sql: &'static str,
        values: impl Iterator<Item = Value>,
        several: bool,
        content: &str,
    ) -> Result<u64> {
        let (at, id) = timestamp_and_id();
        let mut connection = self.pool.get_conn().await?;
        let transaction = several || self.sql.item.is_some();
        if transaction {
            connection.query_drop("BEGIN").await?;
        }
        if let Some(item) = self.sql.item {
            connection.exec_drop(item, (at, id, content)).await?;
        }
        let mut delivered = 0;
        for value in values {
            match self.sql.item {
                Some(_) => connection.exec_drop(sql, (at, id, value)).await?,
                None => connection.exec_drop(sql, (at, id, content, value)).await?,
            }
            delivered += connection.affected_rows();
        }
        if transaction {
            connection.query_drop("COMMIT").await?;
        }
        Ok(delivered)
    }
}

/// Inserts the rows in statements of many each, a row being what `values` gives.
async fn insert(
    connection: &mut Conn,
    sql: [&str; 2],
    rows: &[&BulkRow],
    values: impl Fn(&BulkRow) -> Vec<Value>,
) -> Result<u64> {
    let mut added = 0;
    for chunk in rows.chunks(VALUES) {
        let values: Vec<_> = chunk.iter().flat_map(|row| values(row)).collect();
        let sql = values_statement(sql, chunk.len(), values.len() / chunk.len());
        connection.exec_drop(sql, values).await?;
        added += connection.affected_rows();
    }
    Ok(added)
}

async fn items(mut connection: Conn, sql: &'static str, values: Vec<Value>) -> Result<Vec<Item>> {
    let item = |(id, created_at_us, content)| Item { id, created_at_us, content };
    Ok(connection.exec_map(sql, values, item).await?)
}

#[async_trait]
impl Program for MysqlAsync {
    fn name(&self) -> &'static str {
        "mysql_async"
    }

    async fn add(&self, user: i64, content: &str) -> Result<()> {
        self.deliver(self.sql.one, std::iter::once(user.into()), false, content).await?;
        Ok(())
    }

    async fn broadcast(&self, users: &[i64], content: &str) -> Result<u64> {
        let several = users.len() > CHUNK;
        let chunks = users.chunks(CHUNK).map(|chunk| json(chunk).into());
        self.deliver(self.sql.many, chunks, several, content).await
    }

    async fn broadcast_stream(&self, users: RangeInclusive<i64>, content: &str) -> Result<u64> {
        let chunks = chunks(users, CHUNK).map(|chunk| json(&chunk).into());
        self.deliver(self.sql.many, chunks, true, content).await
    }

    async fn broadcast_query(&self, up_to: i64, content: &str) -> Result<u64> {
        self.deliver(self.sql.query, std::iter::once(up_to.into()), false, content).await
    }

    async fn page(&self, user: i64, offset: u64) -> Result<usize> {
        let connection = self.pool.get_conn().await?;
        Ok(consume(
            items(connection, self.sql.page, vec![user.into(), PAGE.into(), offset.into()]).await?,
        ))
    }

    async fn page_after(&self, user: i64, created_at_us: i64, id: i64) -> Result<usize> {
        let at = Value::from(created_at_us);
        let values = vec![user.into(), at.clone(), at, id.into(), (PAGE + 1).into()];
        Ok(consume(items(self.pool.get_conn().await?, self.sql.after, values).await?).min(PAGE))
    }

    async fn count(&self, user: i64) -> Result<u64> {
        let mut connection = self.pool.get_conn().await?;
        connection.exec_first(self.sql.count, (user,)).await?.context("a count without a row")
    }

    async fn unread(&self, user: i64, limit: usize) -> Result<usize> {
        let mut connection = self.pool.get_conn().await?;
        let count = connection.exec_first(self.sql.feeds.unread, (user, limit)).await?;
        count.context("a count without a row")
    }

    async fn mark_read(&self, user: i64, (at, id): (i64, i64)) -> Result<()> {
        let mut connection = self.pool.get_conn().await?;
        Ok(connection.exec_drop(self.sql.feeds.mark_read, (user, at, id)).await?)
    }

    async fn bulk_add(&self, rows: Vec<BulkRow>) -> Result<u64> {
        let BulkStatements::Values { items, deliveries } = self.sql.feeds.bulk else {
            bail!("MySQL needs no temporary table");
        };
        let mut connection = self.pool.get_conn().await?;
        connection.query_drop("BEGIN").await?;
        if let Some(items) = items {
            insert(&mut connection, items, &items_of(&rows), |row| {
                vec![row.created_at_us.into(), row.id.into(), row.content.as_str().into()]
            })
            .await?;
        }
        let rows: Vec<_> = rows.iter().collect();
        let added = insert(&mut connection, deliveries, &rows, |row| {
            let mut values = vec![row.user.into(), row.created_at_us.into(), row.id.into()];
            values.extend(items.is_none().then(|| row.content.as_str().into()));
            values
        })
        .await?;
        connection.query_drop("COMMIT").await?;
        Ok(added)
    }

    async fn remove(&self, users: &[i64], (at, id): (i64, i64)) -> Result<u64> {
        let mut connection = self.pool.get_conn().await?;
        connection.exec_drop(self.sql.feeds.remove, (json(users), at, id)).await?;
        Ok(connection.affected_rows())
    }
}
