//! Deleting the rows that cannot be read from a stream.

use std::sync::Arc;

use sea_orm::Value;
use user_streams_core::{Result, UserId, backend::RepairStream};

use super::{
    Store,
    rows::{self, Key, Start},
};
use crate::{
    dialect::item_keys,
    pool::{Executor, Limits, end_transaction},
};

/// How many rows are read at a time, and at the most deleted in a transaction.
const CHUNK: u64 = 256;

/// Deletes the rows of a user's stream that a page cannot read, and returns their number.
pub(crate) async fn repair(store: &Arc<Store>, args: RepairStream) -> Result<u64> {
    let limits = store.broadcast_limits();
    let mut deleted = delete_without_place(store, limits, &args.user).await?;
    let user = Arc::new(args.user);
    let mut start = Start::Offset(0);
    loop {
        let rows = rows::read(store, limits, &user, start, CHUNK).await?;
        let last = rows.last().map(|row| row.key).filter(|_| rows.len() as u64 == CHUNK);
        let damaged = rows.into_iter().filter(|row| row.item.is_err()).map(|row| row.key);
        let damaged: Arc<[Key]> = damaged.collect();
        if !damaged.is_empty() {
            let work = |executor| {
                write(executor, Arc::clone(store), Arc::clone(&user), Arc::clone(&damaged))
            };
            deleted += store.write(limits, work).await?;
        }
        match last {
            Some(last) => start = start.following(last),
            None => return Ok(deleted),
        }
    }
}

/// The rows without a place in the order of the stream, which no page can pass.
async fn delete_without_place(store: &Arc<Store>, limits: Limits, user: &UserId) -> Result<u64> {
    let Some(sql) = &store.statements.repair.delete_without_place else { return Ok(0) };
    let user = store.user(user)?;
    let work = |mut executor: Box<dyn Executor>| {
        let (sql, user) = (sql.clone(), user.clone());
        async move { executor.execute(&sql, vec![user]).await }
    };
    store.write(limits, work).await
}

async fn write(
    mut executor: Box<dyn Executor>,
    store: Arc<Store>,
    user: Arc<UserId>,
    keys: Arc<[Key]>,
) -> Result<u64> {
    executor.begin().await?;
    let deleted = delete_damaged(&mut *executor, &store, &user, &keys).await;
    end_transaction(&mut *executor, deleted).await
}

/// Deletes those of the rows that are damaged still. Since they were read, a stream may have been
/// deleted and an item of the same key added; so they are read again under a lock.
///
/// Where an item itself is missing, an add may be storing it just now, and finds the delivery there
/// already. So its place is taken first: either that waits for the add, and finds the item, or the
/// add waits for this transaction, and delivers anew.
async fn delete_damaged(
    executor: &mut dyn Executor,
    store: &Store,
    user: &UserId,
    keys: &[Key],
) -> Result<u64> {
    let statements = &store.statements.repair;
    let (dialect, id) = (store.dialect(), store.user(user)?);
    let with = |keys: &[Key], value: Value| [item_keys(dialect, keys), vec![value]].concat();
    let placeholder = format!("the place of a missing item, {:032x}", fastrand::u128(..));
    if let Some(items) = &statements.items {
        executor.execute(&items.insert, with(keys, placeholder.as_str().into())).await?;
    }
    let rows = executor.query(&statements.lock, with(keys, id.clone())).await?;
    let rows = rows.iter().map(|row| rows::decode(store, user, row));
    let damaged = rows.collect::<Result<Vec<_>>>()?.into_iter().filter(|row| match &row.item {
        Ok(item) => item.content == placeholder,
        Err(_) => true,
    });
    let damaged: Vec<Key> = damaged.map(|row| row.key).collect();
    let deleted = executor.execute(&statements.delete, with(&damaged, id)).await?;
    if let Some(items) = &statements.items {
        executor.execute(&items.delete, with(keys, placeholder.into())).await?;
    }
    Ok(deleted)
}
