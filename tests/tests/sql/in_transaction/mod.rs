//! Writing in the application's own transaction: all or nothing, together with its own rows.

mod audiences;
mod drops;
mod failures;
mod optional;
mod together;
mod values;

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, Statement,
    TransactionTrait, Value,
};

use crate::{
    database::{TestDatabase, connect},
    faults::handles::{Handle, Layout, handles, over},
};

pub(crate) const TOPICS: &[&[crate::Test]] = &[
    audiences::TESTS,
    drops::TESTS,
    failures::TESTS,
    optional::TESTS,
    together::TESTS,
    values::TESTS,
];

/// An application: its pool, its tables, and both layouts, by URL and over its pool.
struct Application {
    pool: DatabaseConnection,
    handles: Vec<Handle>,
}

impl Application {
    /// With users 1 to 3, and a foreign key of the streams to them.
    async fn with_users(database: &TestDatabase) -> Self {
        tables(database).await;
        let config = database.config().with_users("people.id");
        Self { pool: connect(&database.url, 4).await, handles: handles(&config, 4).await }
    }

    async fn new(database: &TestDatabase) -> Self {
        tables(database).await;
        Self {
            pool: connect(&database.url, 4).await,
            handles: handles(&database.config(), 4).await,
        }
    }

    async fn begin(&self) -> DatabaseTransaction {
        self.pool.begin().await.unwrap()
    }
}

async fn tables(database: &TestDatabase) {
    database.run("CREATE TABLE people (id BIGINT NOT NULL PRIMARY KEY)").await;
    database.run("INSERT INTO people VALUES (1), (2), (3)").await;
    database.run("CREATE TABLE orders (id BIGINT NOT NULL PRIMARY KEY)").await;
}

async fn run(on: &impl ConnectionTrait, sql: &str) {
    on.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// Selects a number by a prepared statement with one parameter, written `?`.
async fn number(on: &impl ConnectionTrait, sql: &str, value: impl Into<Value>) -> i64 {
    let backend = on.get_database_backend();
    let sql = if backend == DbBackend::Postgres { sql.replace('?', "$1") } else { sql.to_owned() };
    let row = on.query_one_raw(Statement::from_sql_and_values(backend, &sql, [value.into()])).await;
    row.unwrap_or_else(|error| panic!("{sql}: {error}")).unwrap().try_get_by_index(0).unwrap()
}

async fn orders(database: &TestDatabase) -> i64 {
    database.number("SELECT COUNT(*) FROM orders").await
}
