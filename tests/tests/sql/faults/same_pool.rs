//! A query of recipients on the pool that the streams use.

use futures_util::future::join_all;
use sea_orm::{
    DatabaseConnection, DbBackend,
    sea_query::{Alias, Expr, ExprTrait, Query},
};
use user_streams_core::{Recipients, UserIdKind};
use user_streams_single_table::Users;

use super::{
    handles::{self, Handle, LAYOUTS},
    within,
};
use crate::database::{TestDatabase, connect};

crate::tests![
    a_query_on_the_streams_own_pool_of_one_connection_succeeds,
    as_many_concurrent_queries_as_the_pool_has_connections_succeed,
    a_query_of_many_names_on_the_streams_own_pool_succeeds,
];

/// More than fit into one statement, of numbers and of names.
const NUMBERS: u64 = 110_000;
const NAMES: u64 = 25_000;

async fn fill(database: &TestDatabase) {
    let kind = if database.backend() == DbBackend::MySql { "VARCHAR(20)" } else { "TEXT" };
    database
        .run(&format!("CREATE TABLE people (id BIGINT NOT NULL PRIMARY KEY, name {kind} NOT NULL)"))
        .await;
    let digits: Vec<_> = (0..10).map(|digit| format!("SELECT {digit} AS n")).collect();
    let digits = digits.join(" UNION ALL ");
    let sum = "a.n + 10 * b.n + 100 * c.n + 1000 * d.n + 10000 * e.n + 100000 * f.n";
    let tables: Vec<_> =
        ["a", "b", "c", "d", "e", "f"].map(|name| format!("({digits}) AS {name}")).into();
    let text = if database.backend() == DbBackend::MySql { "CHAR" } else { "TEXT" };
    database
        .run(&format!(
            "INSERT INTO people SELECT id, CAST(id AS {text}) FROM \
             (SELECT {sum} AS id FROM {}) AS numbers WHERE id < {NUMBERS}",
            tables.join(", ")
        ))
        .await;
}

fn everybody(column: &str, count: u64, database: &DatabaseConnection) -> Recipients {
    let query = Query::select()
        .expr(Expr::col(Alias::new(column)))
        .from(Alias::new("people"))
        .and_where(Expr::col(Alias::new("id")).lt(count))
        .to_owned();
    Recipients::query(Users::query(query).on(database))
}

async fn reaches_all(handle: &Handle, column: &str, count: u64, pool: &DatabaseConnection) {
    let add = handle.add(everybody(column, count, pool), "to all");
    assert_eq!(within(20.0, handle.name(), add).await, count, "{}", handle.name());
}

async fn a_query_on_the_streams_own_pool_of_one_connection_succeeds(database: TestDatabase) {
    fill(&database).await;
    for layout in LAYOUTS {
        let pool = connect(&database.url, 1).await;
        let handle = handles::over(&pool, layout, database.config()).migrated().await;
        reaches_all(&handle, "id", NUMBERS, &pool).await;
        assert_eq!(handle.add(1, "after").await, 1, "{}", handle.name());
    }
}

async fn as_many_concurrent_queries_as_the_pool_has_connections_succeed(database: TestDatabase) {
    fill(&database).await;
    let pool = connect(&database.url, 3).await;
    let layout = handles::Layout::ManyToMany;
    let handle = handles::over(&pool, layout, database.config()).migrated().await;
    join_all((0..3).map(|_| reaches_all(&handle, "id", NUMBERS, &pool))).await;
}

async fn a_query_of_many_names_on_the_streams_own_pool_succeeds(database: TestDatabase) {
    fill(&database).await;
    let pool = connect(&database.url, 1).await;
    let config = database.config().with_user_id(UserIdKind::Text);
    let layout = handles::Layout::SingleTable;
    let handle = handles::over(&pool, layout, config).migrated().await;
    reaches_all(&handle, "name", NAMES, &pool).await;
}
