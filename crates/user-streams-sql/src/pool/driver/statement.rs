//! Statements on a connection of any database.

use sea_orm::{ExecResult, QueryResult, Value, sea_query::Values};
use sea_query_sqlx::SqlxValues;
use sqlx::{
    AssertSqlSafe, Database, Error as SqlxError, Executor, IntoArguments,
    database::HasStatementCache, query::Query,
};

use crate::row::ResultRow;

/// Runs a statement and returns the number of rows affected. `persistent` keeps it prepared.
pub(super) async fn execute<DB>(
    connection: &mut DB::Connection,
    sql: &str,
    values: Vec<Value>,
    persistent: bool,
) -> Result<u64, SqlxError>
where
    DB: Database + HasStatementCache,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    SqlxValues: IntoArguments<DB>,
    ExecResult: From<DB::QueryResult>,
{
    let result = statement::<DB>(sql, values, persistent).execute(connection).await?;
    Ok(ExecResult::from(result).rows_affected())
}

/// Runs a statement and returns its rows.
pub(super) async fn query<DB>(
    connection: &mut DB::Connection,
    sql: &str,
    values: Vec<Value>,
    persistent: bool,
) -> Result<Vec<ResultRow>, SqlxError>
where
    DB: Database + HasStatementCache,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    SqlxValues: IntoArguments<DB>,
    QueryResult: From<DB::Row>,
{
    let rows = statement::<DB>(sql, values, persistent).fetch_all(connection).await?;
    Ok(ResultRow::all(rows))
}

/// Runs a statement without parameters and without preparing it.
pub(super) async fn execute_unprepared<DB>(
    connection: &mut DB::Connection,
    sql: &str,
) -> Result<(), SqlxError>
where
    DB: Database,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.map(drop)
}

fn statement<DB: Database + HasStatementCache>(
    sql: &str,
    values: Vec<Value>,
    persistent: bool,
) -> Query<'static, DB, SqlxValues>
where
    SqlxValues: IntoArguments<DB>,
{
    sqlx::query_with(AssertSqlSafe(sql), SqlxValues(Values(values))).persistent(persistent)
}
