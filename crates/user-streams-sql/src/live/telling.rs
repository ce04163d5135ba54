//! Telling what is added, in the transaction that adds it.

use sea_orm::{Value, sea_query::ArrayType};
use user_streams_core::{Cursor, Name, Result, UserId};

use super::Notice;
use crate::{dialect::MIN_COPIED_ROWS, error::from_db, pool::Executor};

/// What the name of the main table follows in the name of the channel, which has 63 bytes at the
/// most.
const PREFIX: &str = "user_streams:";
const NOTIFY: &str = "SELECT pg_notify($1, $2)";

/// How a store tells what is added to it.
#[derive(Debug, Clone)]
pub(crate) struct Telling {
    /// One for all feeds.
    pub(crate) channel: String,
    pub(crate) feed: Option<Name>,
}

/// What one call tells, in one notification.
#[derive(Debug)]
pub(crate) struct Note {
    channel: Value,
    text: Value,
    /// Whether it is a part of the statement that adds, which then has few rows. Else it is a
    /// statement of its own in the same transaction.
    is_part: bool,
}

impl Telling {
    /// Of the main streams in this table.
    pub(crate) fn new(table: &str) -> Self {
        Self { channel: format!("{PREFIX}{table}"), feed: None }
    }

    /// The same of a feed.
    pub(crate) fn feed(&self, name: &Name) -> Self {
        Self { feed: Some(name.clone()), ..self.clone() }
    }

    /// That an item is added to the streams of these users, or of nobody knows whom.
    pub(crate) fn item(&self, users: Option<&[UserId]>, item: Cursor) -> Note {
        let is_part = users.is_some_and(|users| users.len() < MIN_COPIED_ROWS);
        self.note(Notice::text(self.feed.as_ref(), users, Some(item)), is_part)
    }

    /// That items are added to the streams of these users.
    pub(crate) fn items(&self, users: &[UserId]) -> Note {
        self.note(Notice::text(self.feed.as_ref(), Some(users), None), false)
    }

    /// That notifications arrive.
    pub(crate) fn probe(&self, probe: &str) -> Note {
        self.note(Notice::probe_text(probe), false)
    }

    fn note(&self, text: String, is_part: bool) -> Note {
        Note { channel: self.channel.as_str().into(), text: text.into(), is_part }
    }
}

impl Note {
    /// Whether it has to be told in the same transaction by another statement.
    pub(crate) fn needs_transaction(&self) -> bool {
        !self.is_part
    }

    /// Tells it at the end of the transaction. The server tells it once, however often this is
    /// called.
    pub(crate) async fn tell(&self, executor: &mut dyn Executor) -> Result<()> {
        let values = vec![self.channel.clone(), self.text.clone()];
        executor.execute(NOTIFY, values).await.map(drop)
    }
}

/// Runs an INSERT and tells that, unless nothing was inserted. Returns the number of rows.
pub(crate) async fn execute(
    executor: &mut dyn Executor,
    insert: &str,
    values: Vec<Value>,
    note: Option<&Note>,
) -> Result<u64> {
    execute_with(executor, "", insert, values, note).await
}

/// The same for a statement that begins with common table expressions, those of `with`.
pub(crate) async fn execute_with(
    executor: &mut dyn Executor,
    with: &str,
    sql: &str,
    mut values: Vec<Value>,
    note: Option<&Note>,
) -> Result<u64> {
    let Some(note) = note else { return executor.execute(sql, values).await };
    if note.needs_transaction() {
        let rows = executor.execute(sql, values).await?;
        if rows > 0 {
            note.tell(executor).await?;
        }
        return Ok(rows);
    }
    let sql = telling(with, sql, values.len());
    values.extend([note.channel.clone(), note.text.clone()]);
    let rows = executor.query(&sql, values).await?;
    let Some(row) = rows.first() else { return Ok(0) };
    let count: i64 = row.get(0).map_err(from_db)?;
    Ok(count.unsigned_abs())
}

/// The same for an INSERT that fails if a row exists, of which several are told.
pub(crate) async fn execute_all(
    executor: &mut dyn Executor,
    with: &str,
    sql: &str,
    mut values: Vec<Value>,
    notes: &[Note],
) -> Result<()> {
    let Some(Note { channel, .. }) = notes.first() else {
        return executor.execute(sql, values).await.map(drop);
    };
    let sql = telling_all(with, sql, values.len());
    let texts = notes.iter().map(|note| note.text.clone()).collect();
    values.extend([channel.clone(), Value::Array(ArrayType::String, Some(Box::new(texts)))]);
    executor.query(&sql, values).await.map(drop)
}

/// The statement as one that also tells, and returns the number of rows; none where it is zero.
/// Parameters: `params` of its own, the channel, the text.
fn telling(with: &str, sql: &str, params: usize) -> String {
    let (channel, text) = (params + 1, params + 2);
    format!(
        "{} SELECT n, pg_notify(${channel}::text, ${text}::text) FROM (SELECT COUNT(*) AS n FROM \
         added) AS c WHERE n > 0",
        added(with, sql)
    )
}

/// The statement as one that also tells. Parameters: `params` of its own, the channel, the texts.
fn telling_all(with: &str, sql: &str, params: usize) -> String {
    let (channel, texts) = (params + 1, params + 2);
    format!(
        "{} SELECT pg_notify(${channel}::text, t) FROM unnest(${texts}::text[]) AS t",
        added(with, sql)
    )
}

/// The statement as a common table expression `added`, after those of `with`.
fn added(with: &str, sql: &str) -> String {
    let insert = sql.strip_prefix(with).unwrap_or(sql);
    let with = if with.is_empty() { "WITH ".to_owned() } else { format!("{}, ", with.trim_end()) };
    format!("{with}added AS ({insert} RETURNING 1)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_table_has_a_channel_of_its_own() {
        let longest = Telling::new(&"t".repeat(45)).channel;
        assert!(longest.len() <= 63, "{longest}");
    }

    #[test]
    fn a_statement_tells_in_one() {
        let select = "SELECT n, pg_notify($2::text, $3::text) FROM (SELECT COUNT(*) AS n FROM \
                      added) AS c WHERE n > 0";
        let telling = |with, sql| super::telling(with, sql, 1);
        assert_eq!(
            telling("", "INSERT INTO a VALUES ($1)"),
            format!("WITH added AS (INSERT INTO a VALUES ($1) RETURNING 1) {select}")
        );
        let with = "WITH i AS (INSERT INTO i VALUES ($1)) ";
        assert_eq!(
            telling(with, &format!("{with}INSERT INTO a VALUES ($1)")),
            format!("{with}, added AS (INSERT INTO a VALUES ($1) RETURNING 1) {select}")
                .replace(") ,", "),")
        );
    }
}
