//! Reading and moving a user's mark.

use std::sync::Arc;

use sea_orm::Value;
use user_streams_core::{
    Cursor, Error, ErrorKind, Result, StreamItem,
    backend::{MarkQuery, SetMark},
};

use super::{
    Store,
    rows::key,
    statement::{self, Bound},
};
use crate::{
    dialect::values,
    error::{from_db, is_out_of_range, is_unique_violation},
    pool::{Executor, end_transaction},
    schema::MoveStatements,
};

/// How often a mark may be set for the first time by others meanwhile.
const MAX_ATTEMPTS: u32 = 5;

/// Where a mark is.
pub(crate) async fn mark(store: &Arc<Store>, query: MarkQuery) -> Result<Option<Cursor>> {
    let values = vec![store.user(&query.user)?, values::name(store.dialect(), &query.name)];
    let sql = store.statements.marks.get.clone();
    let read = |mut executor: Box<dyn Executor>| async move { executor.query(&sql, values).await };
    let rows = store.read(store.call_limits(), read).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let number = |index| row.get::<i64>(index).map_err(from_db);
    let place = StreamItem::from_stored(number(1)?, number(0)?, String::new());
    let place = place.map(|item| item.cursor()).map_err(|error| {
        let message = format!(
            "the mark `{}` in the table `{}` is no place of an item: setting it with `back` \
             replaces it",
            query.name,
            store.schema.marks_table()
        );
        Error::new(ErrorKind::Corrupt, message).with_source(error)
    });
    place.map(Some)
}

/// Moves or removes a mark, and returns whether it moved.
pub(crate) async fn set_mark(store: &Arc<Store>, args: SetMark) -> Result<bool> {
    let Some(change) = Change::new(store, &args)? else { return Ok(false) };
    if !args.back && store.pools.is_writing() {
        // A mark that stays need not wait for the others that write.
        let query = MarkQuery::new(args.user.clone(), args.name.clone());
        if mark(store, query).await? >= args.to {
            return Ok(false);
        }
    }
    let work = |executor| write(executor, Arc::clone(store), change.clone());
    store.write(store.call_limits(), work).await
}

/// What happens to a mark.
#[derive(Debug, Clone)]
pub(super) struct Change {
    /// `user, name`
    mark: [Value; 2],
    /// `created_at_us, id`; without, it is removed.
    to: Option<[Value; 2]>,
    back: bool,
}

impl Change {
    /// `None` if nothing can change: a mark that only moves forward is never removed.
    pub(super) fn new(store: &Store, args: &SetMark) -> Result<Option<Self>> {
        let mark = [store.user(&args.user)?, values::name(store.dialect(), &args.name)];
        let to = args.to.map(|place| {
            let (at, id) = key(place);
            [at.into(), id.into()]
        });
        Ok((args.back || to.is_some()).then_some(Self { mark, to, back: args.back }))
    }
}

pub(super) async fn write(
    mut executor: Box<dyn Executor + '_>,
    store: Arc<Store>,
    change: Change,
) -> Result<bool> {
    let marks = &store.statements.marks;
    let Change { mark, to, back } = change;
    let Some(to) = to else {
        let removal = Bound::new(&marks.remove, mark.to_vec());
        return statement::write(executor, removal).await.map(|removed| removed > 0);
    };
    let statements = if back { &marks.anywhere } else { &marks.forward };
    if executor.autocommits() {
        return move_to(&mut *executor, statements, mark, to).await;
    }
    executor.begin().await?;
    let moved = move_to(&mut *executor, statements, mark, to).await;
    end_transaction(&mut *executor, moved).await
}

async fn move_to(
    executor: &mut dyn Executor,
    statements: &MoveStatements,
    mark: [Value; 2],
    to: [Value; 2],
) -> Result<bool> {
    if let Some(steps) = &statements.steps
        && !executor.tolerates_errors()
    {
        let [at, id] = to.clone();
        let key = [mark.clone(), to.clone()].concat();
        let update = [&to[..], &mark, &[at.clone(), at, id]].concat();
        let insert = [&key[..], &mark].concat();
        for attempt in 1.. {
            if executor.execute(&steps.update, update.clone()).await? > 0 {
                return Ok(true);
            }
            // It is not there, or it stays.
            match executor.execute(&steps.insert, insert.clone()).await {
                Err(error) if is_unique_violation(&error) && attempt < MAX_ATTEMPTS => {}
                inserted => return inserted.map(|rows| rows > 0),
            }
        }
    }
    match executor.execute(&statements.upsert, [mark, to].concat()).await {
        Err(error) if is_out_of_range(&error) => Ok(false),
        affected => affected.map(|rows| rows > 0),
    }
}
