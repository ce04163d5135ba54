//! The stored rows of a stream, each readable or damaged.

use std::{cmp::Reverse, sync::Arc};

use sea_orm::{DbErr, Value};
use user_streams_core::{
    Cursor, Error, ErrorKind, Result, StreamItem, UserId,
    backend::{Position, corrupt_item},
};

use super::Store;
use crate::{
    Dialect,
    dialect::values,
    error::is_invalid_text,
    pool::{Executor, Limits},
    row::ResultRow,
    schema::PageStatements,
};

/// `(created_at_us, id)`, by which a stream is sorted. Both may be out of the range of items.
pub(super) type Key = (i64, i64);

pub(super) fn key(cursor: Cursor) -> Key {
    (cursor.created_at_us(), cursor.id().get())
}

/// A row, and its item, or the error that says why it cannot be read.
pub(super) struct StoredRow {
    pub(super) key: Key,
    pub(super) item: Result<StreamItem>,
}

/// Where a read of rows begins.
#[derive(Debug, Clone, Copy)]
pub(super) enum Start {
    Offset(u64),
    After(Key),
    Before(Key),
}

impl Start {
    /// `None` for a position of a later core.
    pub(super) fn new(position: Position) -> Option<Self> {
        match position {
            Position::Offset(offset) => Some(Self::Offset(offset)),
            Position::After(cursor) => Some(Self::After(key(cursor))),
            Position::Before(cursor) => Some(Self::Before(key(cursor))),
            _ => None,
        }
    }

    /// In the same direction, where the row of this key was the last.
    pub(super) fn following(self, last: Key) -> Self {
        match self {
            Self::Before(_) => Self::Before(last),
            Self::Offset(_) | Self::After(_) => Self::After(last),
        }
    }

    /// Which of two places is read first.
    pub(super) fn nearer(self, a: Key, b: Key) -> Key {
        match self {
            Self::Before(_) => a.min(b),
            Self::Offset(_) | Self::After(_) => a.max(b),
        }
    }

    fn sql(self, statements: &PageStatements, limit: u64) -> &str {
        match self {
            Self::Offset(offset) => statements.at_offset.sql(offset.saturating_add(limit)),
            Self::After(_) => statements.after.sql(limit),
            Self::Before(_) => statements.before.sql(limit),
        }
    }

    fn values(self, dialect: Dialect, user: Value, limit: u64) -> Vec<Value> {
        let limit = bigint(limit);
        match self {
            Self::Offset(offset) => vec![user, limit, bigint(offset)],
            Self::After(key) | Self::Before(key) => {
                [vec![user], values::keyset(dialect, key), vec![limit]].concat()
            }
        }
    }
}

/// A limit or an offset. No database has more rows than `i64::MAX`.
pub(super) fn bigint(number: u64) -> Value {
    i64::try_from(number).unwrap_or(i64::MAX).into()
}

/// The rows from there on, nearest first: fewer than `limit` only at the end of the stream.
pub(super) async fn read(
    store: &Arc<Store>,
    limits: Limits,
    user: &UserId,
    start: Start,
    limit: u64,
) -> Result<Vec<StoredRow>> {
    let id = store.user(user)?;
    let query = async |statements: &PageStatements| {
        let sql = start.sql(statements, limit).to_owned();
        let values = start.values(store.dialect(), id.clone(), limit);
        let read =
            |mut executor: Box<dyn Executor>| async move { executor.query(&sql, values).await };
        store.read(limits, read).await
    };
    let rows = match (query(&store.statements.page).await, &store.statements.page_of_bytes) {
        // One such row fails the statement. As bytes each row is read, and decoded here.
        (Err(error), Some(of_bytes)) if is_invalid_text(&error) => query(of_bytes).await,
        (rows, _) => rows,
    }?;
    let mut rows =
        rows.iter().map(|row| decode(store, user, row)).collect::<Result<Vec<StoredRow>>>()?;
    // Sorted here, so that the statement's plan needs no sort. It costs nothing for sorted rows.
    match start {
        Start::Before(_) => rows.sort_unstable_by_key(|row| row.key),
        Start::Offset(_) | Start::After(_) => rows.sort_unstable_by_key(|row| Reverse(row.key)),
    }
    Ok(rows)
}

/// A row of `id, created_at_us, content`, where content is text, bytes, or NULL if it is missing.
///
/// # Errors
/// `Corrupt` for a key that is not of two integers, which has no place in the order of the stream:
/// the table is not one of `migrate`.
pub(super) fn decode(store: &Store, user: &UserId, row: &ResultRow) -> Result<StoredRow> {
    let table = &store.schema.table;
    let integer = |index| {
        row.get::<i64>(index).map_err(|error| {
            let message = format!(
                "a row of the table `{table}` in the stream of user {user} has no readable place: \
                 its `id` and `created_at_us` are not both 64-bit integers, as `migrate` makes \
                 them; on SQLite `repair_stream` deletes it"
            );
            Error::new(ErrorKind::Corrupt, message).with_source(error)
        })
    };
    let (id, at) = (integer(0)?, integer(1)?);
    let place = || format!("the row (created_at_us {at}, id {id}) of the table `{table}`");
    let item = match content(row) {
        Ok(Some(content)) => StreamItem::from_stored(id, at, content)
            .map_err(|error| corrupt_item(user, place(), error.message())),
        Ok(None) if store.statements.has_content() => {
            Err(corrupt_item(user, place(), "its content is NULL"))
        }
        Ok(None) => {
            let why = format!("the table `{}` has no content for it", store.schema.items_table());
            Err(corrupt_item(user, place(), why))
        }
        Err(error) => {
            Err(corrupt_item(user, place(), "its content is not text in UTF-8").with_source(error))
        }
    };
    Ok(StoredRow { key: (at, id), item })
}

fn content(row: &ResultRow) -> Result<Option<String>, DbErr> {
    let not_text = match row.get(2) {
        Ok(text) => return Ok(text),
        Err(error) => error,
    };
    match row.get::<Vec<u8>>(2) {
        Ok(bytes) => {
            String::from_utf8(bytes).map(Some).map_err(|error| DbErr::Type(error.to_string()))
        }
        Err(_) => Err(not_text),
    }
}
