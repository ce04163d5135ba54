//! A connection that reads, by rusqlite, which calls SQLite on the thread it is on.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rusqlite::{
    Connection, OpenFlags,
    types::{Null, ToSqlOutput, ValueRef},
};
use sea_orm::Value;
use sqlx::Error as SqlxError;

use super::{queue::Answer, work::Work};
use crate::{
    error::from_rusqlite,
    fault::{self, Mechanism},
    pool::driver::PROGRESS_STEPS,
    row::ResultRow,
    url::SqliteFile,
};

/// How many statements stay prepared.
const STATEMENTS: usize = 100;

pub(super) struct ReadConnection(Connection);

impl ReadConnection {
    pub(super) fn open(file: &SqliteFile, work: Arc<Mutex<Work>>) -> Result<Self, SqlxError> {
        open(file, work).map(Self).map_err(from_rusqlite)
    }

    pub(super) fn query(&self, sql: &str, values: &[Value]) -> Answer {
        let values = values.iter().map(bound).collect::<Result<Vec<_>, _>>()?;
        let rows = || {
            let mut statement = self.0.prepare_cached(sql)?;
            let columns = statement.column_count();
            let mut found = statement.query(rusqlite::params_from_iter(values))?;
            let mut rows = Vec::new();
            while let Some(row) = found.next()? {
                let cells = (0..columns).map(|index| row.get_ref(index).map(Into::into));
                rows.push(ResultRow::Read(cells.collect::<Result<_, _>>()?));
            }
            Ok(rows)
        };
        rows().map_err(from_rusqlite)
    }
}

fn open(file: &SqliteFile, work: Arc<Mutex<Work>>) -> rusqlite::Result<Connection> {
    let mut flags = OpenFlags::SQLITE_OPEN_NO_MUTEX;
    flags.insert(match file.is_read_only {
        true => OpenFlags::SQLITE_OPEN_READ_ONLY,
        // To read a file with a write-ahead log takes part in its locks.
        false => OpenFlags::SQLITE_OPEN_READ_WRITE,
    });
    flags.insert(match file.has_shared_cache {
        true => OpenFlags::SQLITE_OPEN_SHARED_CACHE,
        false => OpenFlags::SQLITE_OPEN_PRIVATE_CACHE,
    });
    let mut path = file.path.clone();
    if file.is_immutable {
        // Only a URI can say so.
        path = format!("file:{}?immutable=1", utf8_percent_encode(&path, NON_ALPHANUMERIC));
        flags.insert(OpenFlags::SQLITE_OPEN_URI);
    }
    let connection = match &file.vfs {
        Some(vfs) => Connection::open_with_flags_and_vfs(path, flags, vfs.as_str())?,
        None => Connection::open_with_flags(path, flags)?,
    };
    // Whoever asks waits for locks, with a deadline.
    connection.busy_timeout(Duration::ZERO)?;
    connection.pragma_update(None, "query_only", true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    let is_in_vain = move || Work::is_in_vain(&work) && fault::is_active(Mechanism::Release);
    connection.progress_handler(PROGRESS_STEPS, Some(is_in_vain))?;
    Ok(connection)
}

/// A value as SQLite has it.
fn bound(value: &Value) -> Result<ToSqlOutput<'_>, SqlxError> {
    let null = ToSqlOutput::from(Null);
    Ok(match value {
        Value::BigInt(number) => number.map_or(null, ToSqlOutput::from),
        Value::String(text) => text.as_deref().map_or(null, ToSqlOutput::from),
        Value::Bytes(bytes) => bytes.as_deref().map_or(null, ToSqlOutput::from),
        Value::Uuid(uuid) => uuid
            .as_ref()
            .map_or(null, |uuid| ToSqlOutput::Borrowed(ValueRef::Blob(uuid.as_bytes()))),
        _ => return Err(SqlxError::Encode("no statement that reads has such a value".into())),
    })
}
