//! Queries in the transaction of a migration.

use sea_orm::{ConnectionTrait, DatabaseTransaction, QueryResult, Statement, Value};
use user_streams_core::Result;

use crate::error::from_db;

pub(super) async fn query(
    transaction: &DatabaseTransaction,
    sql: &str,
    values: Vec<Value>,
) -> Result<Vec<QueryResult>> {
    let statement = Statement::from_sql_and_values(transaction.get_database_backend(), sql, values);
    transaction.query_all_raw(statement).await.map_err(from_db)
}
