//! Delivering an item to those who do not have it yet, by statements for one and for many.

use sea_orm::Value;
use user_streams_core::{NewItem, Result, UserId};

use super::{Store, batch, store::room_for_users};
use crate::{
    Dialect,
    dialect::{Rows, values},
    error::{cannot_copy, is_unique_violation},
    pool::{Executor, finish},
    schema::Deliver,
};

/// Whether the statements are part of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Within {
    Transaction,
    Itself,
}

/// Inserts one row that may be there already, which is then no error.
pub(super) async fn insert_one(
    on: &mut dyn Executor,
    sql: &str,
    values: Vec<Value>,
) -> Result<u64> {
    match on.execute(sql, values).await {
        // On MySQL, whose statement has no clause for it; on the others it never comes to this.
        Err(error) if is_unique_violation(&error) => Ok(0),
        done => done,
    }
}

/// Delivers to one.
pub(super) async fn to_one(
    on: &mut dyn Executor,
    store: &Store,
    user: &UserId,
    item: &NewItem,
) -> Result<u64> {
    room_for_users(on.max_packet(), item)?;
    let mut values = store.item_values(item);
    values.push(values::user(store.dialect(), user));
    insert_one(on, &store.statements.deliver_one, values).await
}

/// Delivers to many, by as many statements as the server's limit takes.
pub(super) async fn to_many(
    on: &mut dyn Executor,
    store: &Store,
    within: Within,
    users: &[UserId],
    item: &NewItem,
) -> Result<u64> {
    let (dialect, deliver) = (store.dialect(), &store.statements.deliver_many);
    let content = store.statements.items.is_none().then(|| item.content());
    let room = room_for_users(on.max_packet(), item)?;
    let mut delivered = 0;
    for part in batch::parts(dialect, users, room) {
        let rows =
            Rows::new(deliver.copy.as_deref(), part, item, content).filter(|_| on.can_copy());
        let values = || {
            let mut values = store.item_values(item);
            values.push(values::users(dialect, store.schema.user_id, part));
            values
        };
        delivered += to_all(on, dialect, within, deliver, rows, values).await?;
    }
    Ok(delivered)
}

/// Delivers by this statement, or by `rows` if they can be copied. The values are made for each
/// try, since they may be megabytes.
pub(super) async fn to_all(
    on: &mut dyn Executor,
    dialect: Dialect,
    within: Within,
    deliver: &Deliver,
    rows: Option<Rows<'_>>,
    values: impl Fn() -> Vec<Value> + Send + Sync,
) -> Result<u64> {
    if let Some(sql) = deliver.quiet.as_ref().filter(|_| !on.may_fail()) {
        return on.execute(sql, values()).await;
    }
    // Most likely nobody has it.
    if let Some(sql) = &deliver.fresh
        && let Some(delivered) = to_fresh(on, dialect, within, sql, rows, values()).await?
    {
        return Ok(delivered);
    }
    loop {
        match on.execute(&deliver.unless_there, values()).await {
            // MySQL's statement leaves out what is there, and has now met a row that came
            // meanwhile: next time that is there.
            Err(error) if is_unique_violation(&error) => {}
            done => return done,
        }
    }
}

/// `None`, and nothing done, if somebody has the item, or the table takes no copies.
async fn to_fresh(
    on: &mut dyn Executor,
    dialect: Dialect,
    within: Within,
    sql: &str,
    rows: Option<Rows<'_>>,
    values: Vec<Value>,
) -> Result<Option<u64>> {
    // On PostgreSQL an error would end the whole transaction.
    let savepoint = within == Within::Transaction && dialect == Dialect::Postgres;
    if savepoint {
        on.execute("SAVEPOINT user_streams_fresh", Vec::new()).await?;
    }
    let done = match &rows {
        Some(rows) => on.copy(rows).await,
        None => on.execute(sql, values).await,
    };
    let delivered = match done {
        Ok(delivered) => Some(delivered),
        Err(error) if is_unique_violation(&error) || cannot_copy(&error) => None,
        Err(error) => return Err(error),
    };
    if savepoint {
        let end = if delivered.is_some() { "RELEASE SAVEPOINT" } else { "ROLLBACK TO SAVEPOINT" };
        on.execute(&format!("{end} user_streams_fresh"), Vec::new()).await?;
    }
    Ok(delivered)
}

/// Ends a transaction of deliveries: commits what was delivered; undoes a failure, and an item that
/// nobody received.
pub(super) async fn finish_delivery(on: &mut dyn Executor, delivered: Result<u64>) -> Result<u64> {
    if let Ok(0) = delivered {
        on.rollback().await;
        return Ok(0);
    }
    finish(on, delivered).await
}
