//! Statements that prepare a store and measure its size.

use anyhow::{Context, Result, bail};
use sqlx::{ConnectOptions, Connection, Executor, Row};
use user_streams_test_servers::harness::Engine;

use crate::store::Store;

/// Runs a statement.
pub(crate) async fn execute(store: &Store, sql: String) -> Result<()> {
    let shown: String = sql.chars().take(90).collect();
    // sqlx takes literals only, against injection.
    let sql: &'static str = sql.leak();
    run(store, sql).await.with_context(|| format!("{shown} …"))
}

async fn run(store: &Store, sql: &'static str) -> Result<()> {
    match store.engine {
        Engine::Sqlite => {
            let options: sqlx::sqlite::SqliteConnectOptions = store.url.parse()?;
            let mut connection = options.disable_statement_logging().connect().await?;
            connection
                .execute(sqlx::raw_sql("PRAGMA journal_mode = wal; PRAGMA synchronous = normal"))
                .await?;
            connection.execute(sqlx::raw_sql(sql)).await?;
            connection.close().await?;
        }
        Engine::Postgres => {
            let options: sqlx::postgres::PgConnectOptions = store.url.parse()?;
            let mut connection = options.disable_statement_logging().connect().await?;
            connection.execute(sqlx::raw_sql(sql)).await?;
        }
        Engine::Mysql => {
            let options: sqlx::mysql::MySqlConnectOptions = store.url.parse()?;
            let mut connection = options.disable_statement_logging().connect().await?;
            connection.execute(sqlx::raw_sql(sql)).await?;
        }
        Engine::Redis | Engine::RedisCluster => {}
    }
    Ok(())
}

/// The number in the first row and column of a query on a server.
pub(crate) async fn query_number(store: &Store, sql: String) -> Result<i64> {
    let sql: &'static str = sql.leak();
    Ok(match store.engine {
        Engine::Postgres => {
            let mut connection = sqlx::PgConnection::connect(&store.url).await?;
            connection.fetch_one(sqlx::raw_sql(sql)).await?.try_get(0)?
        }
        Engine::Mysql => {
            let mut connection = sqlx::MySqlConnection::connect(&store.url).await?;
            connection.fetch_one(sqlx::raw_sql(sql)).await?.try_get(0)?
        }
        engine => bail!("numbers are not queried on {engine:?}"),
    })
}
