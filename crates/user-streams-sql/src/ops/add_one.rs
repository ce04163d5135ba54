//! Adding to one user.

use std::sync::Arc;

use user_streams_core::{NewItem, Result, UserId};

use super::{
    Store,
    add_together::Outcome,
    deliver::{finish_delivery, to_one},
    item::put_item,
    retry::retry,
    store::item_key,
};
use crate::{dialect::values, error::is_unique_violation, pool::Executor};

pub(super) async fn add(store: &Arc<Store>, user: UserId, item: &Arc<NewItem>) -> Result<u64> {
    let limits = store.call();
    let mut lease = None;
    if let Some(group) = &store.group {
        match group.add(limits, values::user(store.dialect(), &user), item).await? {
            Outcome::Stored => return Ok(1),
            Outcome::Alone(its) => lease = its,
        }
    }
    let work = |on| write(on, Arc::clone(store), user.clone(), Arc::clone(item));
    retry(store, limits, lease, work).await
}

async fn write(
    mut on: Box<dyn Executor>,
    store: Arc<Store>,
    user: UserId,
    item: Arc<NewItem>,
) -> Result<u64> {
    let (on, store, item) = (&mut *on, &*store, &*item);
    let Some(items) = &store.statements.items else {
        if on.commits_alone() {
            return to_one(on, store, &user, item).await;
        }
        on.begin().await?;
        let delivered = to_one(on, store, &user, item).await;
        return finish_delivery(on, delivered).await;
    };
    if let Some(with_deliveries) = &items.with_deliveries {
        let mut values = item_key(item);
        values.extend([item.content().into(), values::user(store.dialect(), &user)]);
        match on.execute(&with_deliveries.one, values).await {
            // The item is there.
            Err(error) if is_unique_violation(&error) => {}
            delivered => return delivered,
        }
    }
    on.begin().await?;
    let delivered = match put_item(on, store, item).await {
        Ok(()) => to_one(on, store, &user, item).await,
        Err(error) => Err(error),
    };
    finish_delivery(on, delivered).await
}
