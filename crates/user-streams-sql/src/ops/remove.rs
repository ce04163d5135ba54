//! Taking an item from the streams of some users: in one transaction, by one statement for each
//! batch of them.

use std::sync::Arc;

use sea_orm::{Value, sea_query::SelectStatement};
use user_streams_core::{
    Cursor, Result, UserId,
    backend::{Chunk, RecipientChunks, RemoveStreamItem},
};

use super::{Store, add::query::explain, batch, recipients::Target, rows::key, statement::Bound};
use crate::{
    dialect::values,
    pool::{Access, Executor, end_transaction, runtime},
    users,
};

/// Removes an item from its recipients and returns how many had it.
pub(crate) async fn remove(store: &Arc<Store>, args: RemoveStreamItem) -> Result<u64> {
    runtime()?;
    let (limits, item) = (store.broadcast_limits(), args.item);
    match Target::of(store, limits, args.recipients).await? {
        Target::Nobody => Ok(0),
        Target::List(users) if users.len() == 1 => one(store, &users[0], item)?.run(store).await,
        Target::List(users) => {
            let users: Arc<[UserId]> = users.into();
            let work = |executor| write_list(executor, Arc::clone(store), Arc::clone(&users), item);
            store.write(store.call_limits(), work).await
        }
        Target::Stream(first, chunks) => {
            // It is not retried, since the chunks can be read only once.
            let work = |executor| write_stream(executor, Arc::clone(store), first, chunks, item);
            store.pools.run(Access::Write, limits, work).await
        }
        Target::Query(select) => {
            let removal = query(store, &select, item);
            let work = |executor| write_query(executor, Arc::clone(store), removal.clone());
            let removed = store.write(limits, work).await;
            removed.map_err(|error| explain(store, error))
        }
    }
}

fn one(store: &Store, user: &UserId, item: Cursor) -> Result<Bound> {
    let values = [vec![store.user(user)?], key_values(item)].concat();
    Ok(Bound::new(&store.statements.remove_one, values))
}

/// `created_at_us, id`
fn key_values(item: Cursor) -> Vec<Value> {
    let (at, id) = key(item);
    vec![at.into(), id.into()]
}

/// The removal from the users of a query.
pub(super) fn query(store: &Store, select: &SelectStatement, item: Cursor) -> Bound {
    let (select, mut values) = users::build(select, store.dialect().backend());
    let sql = store.statements.remove_query(&store.schema, &select, values.len());
    values.extend(key_values(item));
    Bound { sql, values }
}

pub(super) async fn write_query(
    mut executor: Box<dyn Executor + '_>,
    store: Arc<Store>,
    removal: Bound,
) -> Result<u64> {
    let Bound { sql, values } = removal;
    // How long an application's query takes is unknown.
    executor.set_statement_timeout(store.pools.timeouts.broadcast);
    if executor.autocommits() {
        return executor.execute(&sql, values).await;
    }
    executor.begin().await?;
    let removed = executor.execute(&sql, values).await;
    end_transaction(&mut *executor, removed).await
}

pub(super) async fn write_list(
    mut executor: Box<dyn Executor + '_>,
    store: Arc<Store>,
    users: Arc<[UserId]>,
    item: Cursor,
) -> Result<u64> {
    let parts = batch::split(store.dialect(), &users, batch::room(&*executor)).len();
    if executor.autocommits() && parts == 1 {
        return from_users(&mut *executor, &store, &users, item).await;
    }
    executor.begin().await?;
    let removed = from_users(&mut *executor, &store, &users, item).await;
    end_transaction(&mut *executor, removed).await
}

async fn write_stream(
    mut executor: Box<dyn Executor>,
    store: Arc<Store>,
    first: Chunk,
    mut chunks: RecipientChunks,
    item: Cursor,
) -> Result<u64> {
    executor.begin().await?;
    let removed = async {
        let mut removed = from_users(&mut *executor, &store, &first.users, item).await?;
        let mut last = first.last;
        let timeout = store.pools.timeouts.recipients;
        while !last && let Some(chunk) = batch::next_within(&mut chunks, timeout).await? {
            removed += from_users(&mut *executor, &store, &chunk.users, item).await?;
            last = chunk.last;
        }
        Ok(removed)
    };
    let removed = removed.await;
    end_transaction(&mut *executor, removed).await
}

/// By as many statements as the server's maximum statement size requires.
async fn from_users(
    executor: &mut dyn Executor,
    store: &Store,
    users: &[UserId],
    item: Cursor,
) -> Result<u64> {
    let (dialect, room) = (store.dialect(), batch::room(executor));
    let mut removed = 0;
    for part in batch::split(dialect, users, room) {
        let users = values::users(dialect, store.schema.user_id, part);
        let values = [vec![users], key_values(item)].concat();
        removed += executor.execute(&store.statements.remove_many, values).await?;
    }
    Ok(removed)
}
