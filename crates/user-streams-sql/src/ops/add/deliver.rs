//! The fan-out: inserting deliveries of one item, by a statement for one user or for many.

use sea_orm::Value;
use user_streams_core::{NewItem, Result, UserId};

use crate::{
    Dialect,
    dialect::{CopyRows, values},
    error::{is_copy_unsupported, is_unique_violation},
    live::{self, Note},
    ops::{
        batch,
        store::{Store, room_for_ids},
    },
    pool::{Executor, end_transaction},
    schema::DeliverStatements,
};

/// Whether a statement is part of a transaction or commits by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    Transaction,
    Statement,
}

/// Inserts one row, which may exist.
pub(super) async fn insert_ignore(
    executor: &mut dyn Executor,
    sql: &str,
    values: Vec<Value>,
) -> Result<u64> {
    match executor.execute(sql, values).await {
        // Only on MySQL: the statements of the others have a clause for it.
        Err(error) if is_unique_violation(&error) => Ok(0),
        result => result,
    }
}

/// Delivers to one user.
pub(super) async fn deliver_to_one(
    executor: &mut dyn Executor,
    store: &Store,
    user: &UserId,
    item: &NewItem,
) -> Result<u64> {
    room_for_ids(executor.max_packet(), item)?;
    let mut values = store.item_values(item);
    values.push(values::user(store.dialect(), user));
    let note = store.note(Some(std::slice::from_ref(user)), item);
    match live::execute(executor, &store.statements.deliver_one, values, note.as_ref()).await {
        // Only on MySQL: the statements of the others have a clause for it.
        Err(error) if is_unique_violation(&error) => Ok(0),
        delivered => delivered,
    }
}

/// Delivers to many users, by as many statements as the server's maximum statement size requires.
pub(super) async fn deliver_to_many(
    executor: &mut dyn Executor,
    store: &Store,
    scope: Scope,
    users: &[UserId],
    item: &NewItem,
) -> Result<u64> {
    let (dialect, statements) = (store.dialect(), &store.statements.deliver_many);
    let content = store.statements.has_content().then(|| item.content());
    let room = room_for_ids(executor.max_packet(), item)?;
    let note = store.note(Some(users), item);
    let mut delivered = 0;
    for part in batch::split(dialect, users, room) {
        let rows = CopyRows::new(statements.copy.as_deref(), part, item, content)
            .filter(|_| executor.can_copy());
        let values = || {
            let mut values = store.item_values(item);
            values.push(values::users(dialect, store.schema.user_id, part));
            values
        };
        let note = note.as_ref();
        delivered += deliver(executor, dialect, scope, statements, rows, values, note).await?;
    }
    Ok(delivered)
}

/// Delivers by these statements, or by COPY of `rows`, and tells `note`. The values are built for
/// each attempt, since they may have megabytes.
pub(super) async fn deliver(
    executor: &mut dyn Executor,
    dialect: Dialect,
    scope: Scope,
    statements: &DeliverStatements,
    rows: Option<CopyRows<'_>>,
    values: impl Fn() -> Vec<Value> + Send + Sync,
    note: Option<&Note>,
) -> Result<u64> {
    if let Some(sql) = &statements.insert_ignore
        && !executor.tolerates_errors()
    {
        return live::execute(executor, sql, values(), note).await;
    }
    // Most likely nobody has the item.
    if let Some(sql) = &statements.insert {
        let delivered = insert_all(executor, dialect, scope, sql, rows, values(), note).await?;
        if let Some(delivered) = delivered {
            return Ok(delivered);
        }
    }
    loop {
        match live::execute(executor, &statements.insert_missing, values(), note).await {
            // On MySQL: a row was inserted after the statement had looked for it. The next attempt
            // finds it.
            Err(error) if is_unique_violation(&error) => {}
            result => return result,
        }
    }
}

/// Delivers on the assumption that nobody has the item. `None`, without effect, if somebody has it,
/// or if the table does not support COPY.
async fn insert_all(
    executor: &mut dyn Executor,
    dialect: Dialect,
    scope: Scope,
    sql: &str,
    rows: Option<CopyRows<'_>>,
    values: Vec<Value>,
    note: Option<&Note>,
) -> Result<Option<u64>> {
    // On PostgreSQL an error aborts the whole transaction.
    let needs_savepoint = scope == Scope::Transaction && dialect == Dialect::Postgres;
    if needs_savepoint {
        executor.execute("SAVEPOINT user_streams_fresh", Vec::new()).await?;
    }
    let result = match &rows {
        Some(rows) => executor.copy(rows).await,
        None => live::execute(executor, sql, values, note).await,
    };
    let delivered = match result {
        Ok(delivered) => Some(delivered),
        Err(error) if is_unique_violation(&error) || is_copy_unsupported(&error) => None,
        Err(error) => return Err(error),
    };
    if needs_savepoint {
        if let (Some(_), Some(_), Some(note)) = (&rows, delivered, note) {
            note.tell(executor).await?;
        }
        let end = if delivered.is_some() { "RELEASE SAVEPOINT" } else { "ROLLBACK TO SAVEPOINT" };
        executor.execute(&format!("{end} user_streams_fresh"), Vec::new()).await?;
    }
    Ok(delivered)
}

/// Ends a transaction of deliveries: commits them; rolls back after an error, and an item that
/// nobody received.
pub(in crate::ops) async fn end_delivery(
    executor: &mut dyn Executor,
    delivered: Result<u64>,
) -> Result<u64> {
    if let Ok(0) = delivered {
        executor.rollback().await;
        return Ok(0);
    }
    end_transaction(executor, delivered).await
}
