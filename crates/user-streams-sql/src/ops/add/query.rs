//! Adding to the users of a query on the backend's own database, without reading them.

use std::{error::Error as StdError, sync::Arc};

use sea_orm::{Value, sea_query::SelectStatement};
use user_streams_core::{Error, ErrorKind, NewItem, Result};

use super::{
    deliver::{Scope, deliver, end_delivery},
    item::insert_item,
};
use crate::{
    Dialect,
    live::Note,
    ops::store::{Store, room_for_ids},
    pool::Executor,
    schema::DeliverStatements,
    users,
};

/// The statements that deliver to a query, and their values.
pub(in crate::ops) struct QueryDelivery {
    statements: DeliverStatements,
    values: Vec<Value>,
    note: Option<Note>,
}

pub(super) async fn add(
    store: &Arc<Store>,
    select: &SelectStatement,
    item: &Arc<NewItem>,
) -> Result<u64> {
    let query = Arc::new(QueryDelivery::new(store, select, item));
    let work = |executor| write(executor, Arc::clone(store), Arc::clone(&query), Arc::clone(item));
    let added = store.write(store.broadcast_limits(), work).await;
    added.map_err(|error| explain(store, error))
}

impl QueryDelivery {
    pub(in crate::ops) fn new(store: &Store, select: &SelectStatement, item: &NewItem) -> Self {
        let (select, mut values) = users::build(select, store.dialect().backend());
        let statements = store.statements.deliver_query(&store.schema, &select, values.len());
        values.extend(store.item_values(item));
        Self { statements, values, note: store.note(None, item) }
    }

    async fn deliver(
        &self,
        executor: &mut dyn Executor,
        dialect: Dialect,
        scope: Scope,
    ) -> Result<u64> {
        let (values, note) = (|| self.values.clone(), self.note.as_ref());
        deliver(executor, dialect, scope, &self.statements, None, values, note).await
    }
}

pub(in crate::ops) async fn write(
    mut executor: Box<dyn Executor + '_>,
    store: Arc<Store>,
    query: Arc<QueryDelivery>,
    item: Arc<NewItem>,
) -> Result<u64> {
    let (executor, dialect) = (&mut *executor, store.dialect());
    executor.require_strict_mode().await?;
    room_for_ids(executor.max_packet(), &item)?;
    // How long an application's query takes is unknown, so it has the time of the whole broadcast.
    executor.set_statement_timeout(store.pools.timeouts.broadcast);
    if store.statements.has_content() && executor.autocommits() {
        return query.deliver(executor, dialect, Scope::Statement).await;
    }
    executor.begin().await?;
    let delivered = async {
        insert_item(executor, &store, &item).await?;
        query.deliver(executor, dialect, Scope::Transaction).await
    };
    let delivered = delivered.await;
    end_delivery(executor, delivered).await
}

/// Tells a missing table of the query from one of the backend.
pub(in crate::ops) fn explain(store: &Store, error: Error) -> Error {
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    if error.kind() != ErrorKind::NotMigrated || cause.contains(&store.schema.table) {
        return error;
    }
    let message = "the query of the recipients names a table that the backend's database does not \
        have: if the users are in another one, name it with `users(..).on(&database)`";
    Error::new(ErrorKind::Recipients, message).with_source(error)
}
