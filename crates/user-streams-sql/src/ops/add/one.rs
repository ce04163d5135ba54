//! Adding to one user.

use std::sync::Arc;

use user_streams_core::{
    NewItem, Result, UserId,
    backend::{Grouped, SingleAdd},
};

use super::{
    deliver::{deliver_to_one, end_delivery},
    item::insert_item,
};
use crate::{
    dialect::values,
    error::is_unique_violation,
    live,
    ops::store::{Store, item_key},
    pool::Executor,
    schema::WithDeliveries,
};

pub(super) async fn add(store: &Arc<Store>, user: UserId, item: &Arc<NewItem>) -> Result<u64> {
    let limits = store.call_limits();
    let mut lead = None;
    if let Some(group) = &store.group {
        let _waiting = store.pools.waiting.acquire()?;
        let add = SingleAdd { user: user.clone(), item: Arc::clone(item) };
        match group.add(add, limits.deadline).await? {
            Grouped::Stored(delivered) => return Ok(delivered),
            Grouped::Alone(alone) => lead = alone,
        }
    }
    let (lease, _permit) = lead.unzip();
    let work = |executor| write(executor, Arc::clone(store), user.clone(), Arc::clone(item));
    store.write_on(lease, limits, work).await
}

async fn write(
    mut executor: Box<dyn Executor>,
    store: Arc<Store>,
    user: UserId,
    item: Arc<NewItem>,
) -> Result<u64> {
    let (executor, store, item) = (&mut *executor, &*store, &*item);
    if let Some(items) = &store.statements.items {
        if let Some(with_deliveries) = &items.with_deliveries {
            let mut values = item_key(item);
            values.extend([item.content().into(), values::user(store.dialect(), &user)]);
            let note = store.note(Some(std::slice::from_ref(&user)), item);
            let WithDeliveries { with, one, .. } = with_deliveries;
            match live::execute_with(executor, with, one, values, note.as_ref()).await {
                // The item exists.
                Err(error) if is_unique_violation(&error) => {}
                delivered => return delivered,
            }
        }
    } else if executor.autocommits() {
        return deliver_to_one(executor, store, &user, item).await;
    }
    executor.begin().await?;
    let delivered = match insert_item(executor, store, item).await {
        Ok(()) => deliver_to_one(executor, store, &user, item).await,
        Err(error) => Err(error),
    };
    end_delivery(executor, delivered).await
}
