//! Statements on a connection of any kind.

use sea_orm::{ExecResult, QueryResult, Value, sea_query::Values};
use sea_query_sqlx::SqlxValues;
use sqlx::{
    AssertSqlSafe, Database, Error as SqlxError, Executor, IntoArguments,
    database::HasStatementCache, query::Query,
};

/// Runs a statement and returns the number of rows that it changed. `kept` says that it stays
/// prepared.
pub(super) async fn execute<DB>(
    connection: &mut DB::Connection,
    sql: &str,
    values: Vec<Value>,
    kept: bool,
) -> Result<u64, SqlxError>
where
    DB: Database + HasStatementCache,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    SqlxValues: IntoArguments<DB>,
    ExecResult: From<DB::QueryResult>,
{
    let done = statement::<DB>(sql, values, kept).execute(connection).await?;
    Ok(ExecResult::from(done).rows_affected())
}

/// Runs a statement and returns its rows.
pub(super) async fn query<DB>(
    connection: &mut DB::Connection,
    sql: &str,
    values: Vec<Value>,
    kept: bool,
) -> Result<Vec<QueryResult>, SqlxError>
where
    DB: Database + HasStatementCache,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    SqlxValues: IntoArguments<DB>,
    QueryResult: From<DB::Row>,
{
    let rows = statement::<DB>(sql, values, kept).fetch_all(connection).await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Runs a statement without parameters, which is not prepared.
pub(super) async fn run<DB>(connection: &mut DB::Connection, sql: &str) -> Result<(), SqlxError>
where
    DB: Database,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.map(drop)
}

fn statement<DB: Database + HasStatementCache>(
    sql: &str,
    values: Vec<Value>,
    kept: bool,
) -> Query<'static, DB, SqlxValues>
where
    SqlxValues: IntoArguments<DB>,
{
    sqlx::query_with(AssertSqlSafe(sql), SqlxValues(Values(values))).persistent(kept)
}
