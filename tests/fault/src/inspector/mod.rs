//! Independent clients on the bare drivers, which read what is stored, list the library's sessions
//! and hold locks.

mod contract;
mod mysql;
mod postgres;
mod redis;
mod sqlite;
mod statements;

use user_streams_test_servers::harness::Engine;

use crate::store::Store;
pub(crate) use contract::{FeedRow, Inspector, MarkRow, Row, Session, Sessions, Snapshot};
use statements::{of_users, select_marks, select_orphans, select_rows, user};

/// The inspector of this store.
pub(crate) fn inspector(store: &Store) -> Box<dyn Inspector> {
    match store.engine {
        Engine::Sqlite => Box::new(sqlite::Sqlite::new(store)),
        Engine::Postgres => Box::new(postgres::Postgres::new(store)),
        Engine::Mysql => Box::new(mysql::Mysql::new(store)),
        Engine::Redis | Engine::RedisCluster => Box::new(redis::Redis::new(store)),
    }
}

/// The statements that lock the table of deliveries against everyone else.
pub(crate) fn lock_table(store: &Store) -> String {
    let table = &store.table;
    match store.engine {
        Engine::Postgres => format!("BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"),
        _ => format!("LOCK TABLES {table} WRITE"),
    }
}
