//! The programs that are compared: the library, a hand-written program on the same asynchronous
//! driver, and one on the leanest client.

mod bulk_sqlx;
mod contract;
mod fred;
mod lean_mysql;
mod lean_postgres;
mod lean_redis;
mod lean_sqlite;
mod ours;
mod parts;
mod redis_feeds;
mod sqlx;
mod textbook;

pub(crate) use textbook::connect as textbook;

use std::sync::Arc;

use anyhow::{Result, bail};
use user_streams_test_servers::harness::Engine;

use crate::{statements::Statements, store::Store};
use contract::{AUTOCHECKPOINT_PAGES, CHUNK};
pub(crate) use contract::{BulkRow, PAGE, Program};
pub(crate) use parts::timestamp_and_id;
use parts::{Item, chunks, consume, copy_rows, items_of, json, values_statement};

/// The library.
pub(crate) async fn ours(store: &Store) -> Result<Arc<dyn Program>> {
    Ok(Arc::new(ours::Ours::connect(store).await?))
}

/// The library with only so many of the newest items of a stream.
pub(crate) async fn ours_with_max_len(store: &Store, max_len: u64) -> Result<Arc<dyn Program>> {
    Ok(Arc::new(ours::Ours::connect(store).await?.with_max_len(max_len)))
}

/// The program on the library's driver.
pub(crate) async fn same_driver(store: &Store) -> Result<Arc<dyn Program>> {
    Ok(match store.engine {
        Engine::Sqlite => Arc::new(sqlx::sqlite(store).await?),
        Engine::Postgres => {
            Arc::new(sqlx::postgres(store, sqlx::NAME, Statements::new(store)).await?)
        }
        Engine::Mysql => Arc::new(sqlx::mysql(store).await?),
        Engine::Redis => Arc::new(fred::Fred::connect(store).await?),
        Engine::RedisCluster => bail!("no hand-written program supports a cluster"),
    })
}

/// The program on the library's driver with the library's form of pages, where that differs.
pub(crate) async fn with_kept_plans(store: &Store) -> Result<Option<Arc<dyn Program>>> {
    Ok(match store.engine {
        Engine::Postgres => {
            let sql = Statements::with_kept_plans(store);
            Some(Arc::new(sqlx::postgres(store, "sqlx, kept plans", sql).await?))
        }
        _ => None,
    })
}

/// The program on the leanest client.
pub(crate) async fn lean(store: &Store) -> Result<Arc<dyn Program>> {
    Ok(match store.engine {
        Engine::Sqlite => Arc::new(lean_sqlite::Rusqlite::connect(store)?),
        Engine::Postgres => Arc::new(lean_postgres::TokioPostgres::connect(store).await?),
        Engine::Mysql => Arc::new(lean_mysql::MysqlAsync::connect(store).await?),
        Engine::Redis => Arc::new(lean_redis::Socket::connect(store).await?),
        Engine::RedisCluster => bail!("no hand-written program supports a cluster"),
    })
}

/// The leanest client of SQLite on blocking threads, which is how an asynchronous program would
/// call it. Other clients are asynchronous themselves.
pub(crate) fn lean_on_blocking_threads(store: &Store) -> Result<Option<Arc<dyn Program>>> {
    Ok(match store.engine {
        Engine::Sqlite => Some(Arc::new(lean_sqlite::OnBlockingThreads::connect(store)?)),
        _ => None,
    })
}
