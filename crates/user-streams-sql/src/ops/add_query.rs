//! Adding to the users of a query, who never reach the client.

use std::sync::Arc;

use sea_orm::{Value, sea_query::SelectStatement};
use user_streams_core::{Error, ErrorKind, NewItem, Result};

use super::{
    Store,
    deliver::{Within, finish_delivery, to_all},
    item::put_item,
    retry::retry,
    store::room_for_users,
};
use crate::{Dialect, pool::Executor, schema::Deliver, users};

/// The statement of one query, and its values.
pub(super) struct Query {
    deliver: Deliver,
    values: Vec<Value>,
}

pub(super) async fn add(
    store: &Arc<Store>,
    select: &SelectStatement,
    item: &Arc<NewItem>,
) -> Result<u64> {
    let query = Arc::new(Query::new(store, select, item));
    let work = |on| write(on, Arc::clone(store), Arc::clone(&query), Arc::clone(item));
    retry(store, store.broadcast(), None, work).await.map_err(|error| of_query(store, error))
}

impl Query {
    pub(super) fn new(store: &Store, select: &SelectStatement, item: &NewItem) -> Self {
        let (select, mut values) = users::build(select, store.dialect().backend());
        let deliver = store.statements.deliver_query(&store.schema, &select, values.len());
        values.extend(store.item_values(item));
        Self { deliver, values }
    }
}

pub(super) async fn write(
    mut on: Box<dyn Executor + '_>,
    store: Arc<Store>,
    query: Arc<Query>,
    item: Arc<NewItem>,
) -> Result<u64> {
    let (on, dialect) = (&mut *on, store.dialect());
    on.require_strict().await?;
    room_for_users(on.max_packet(), &item)?;
    // Not a statement of a known shape, so it has the time of the whole broadcast; on PostgreSQL by
    // the transaction.
    let limit = store.pools.timeouts.broadcast;
    let one_statement =
        store.statements.items.is_none() && on.commits_alone() && dialect != Dialect::Postgres;
    if one_statement {
        on.extend(limit).await?;
        return to_all(on, dialect, Within::Itself, &query.deliver, None, || query.values.clone())
            .await;
    }
    on.begin().await?;
    let delivered = deliver(on, &store, &query, &item).await;
    finish_delivery(on, delivered).await
}

async fn deliver(
    on: &mut dyn Executor,
    store: &Store,
    query: &Query,
    item: &NewItem,
) -> Result<u64> {
    on.extend(store.pools.timeouts.broadcast).await?;
    put_item(on, store, item).await?;
    let values = || query.values.clone();
    to_all(on, store.dialect(), Within::Transaction, &query.deliver, None, values).await
}

/// Tells a missing table of the query from one of the backend.
pub(super) fn of_query(store: &Store, error: Error) -> Error {
    let reason = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    if error.kind() != ErrorKind::NotMigrated || reason.contains(&store.schema.table) {
        return error;
    }
    let message = "the query of the recipients names a table that the backend's database does not \
        have: if the users are in \
                   another one, name it with `users(..).on(&database)`";
    Error::new(ErrorKind::Recipients, message).with_source(error)
}
