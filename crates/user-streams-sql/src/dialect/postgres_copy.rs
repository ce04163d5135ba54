//! Binary COPY, which is nearly twice as fast as INSERT for many short rows on PostgreSQL; see
//! decision 15.
//!
//! The format: <https://www.postgresql.org/docs/current/sql-copy.html>, "Binary Format".

use user_streams_core::{NewItem, UserId};

use super::{Row, values::StoredId};

/// Fewer rows are inserted as fast by a statement.
pub(crate) const MIN_ROWS: usize = 2_000;
/// Longer content is better sent once, in a statement that repeats it.
const MAX_CONTENT: usize = 512;
/// How many bytes are sent at a time.
const BLOCK: usize = 64 * 1024;

/// Rows to copy.
#[derive(Debug)]
pub(crate) struct CopyRows<'a> {
    sql: &'a str,
    rows: Rows<'a>,
    columns: i16,
}

#[derive(Debug)]
enum Rows<'a> {
    /// The deliveries of an item: the columns after the user are the same in each row.
    OfItem { users: &'a [UserId], suffix: Vec<u8> },
    /// Rows with the same columns.
    Any(&'a [Row<'a>]),
}

impl<'a> CopyRows<'a> {
    /// The rows for the statement `sql`, if copying them pays: user, time, id, and content if the
    /// table has it.
    pub(crate) fn new(
        sql: Option<&'a str>,
        users: &'a [UserId],
        item: &NewItem,
        content: Option<&str>,
    ) -> Option<Self> {
        let pays =
            users.len() >= MIN_ROWS && content.is_none_or(|content| content.len() <= MAX_CONTENT);
        Some(Self::of(sql.filter(|_| pays)?, users, item, content))
    }

    /// The rows, whether it pays or not.
    pub(crate) fn of(
        sql: &'a str,
        users: &'a [UserId],
        item: &NewItem,
        content: Option<&str>,
    ) -> Self {
        let mut suffix = Vec::new();
        push(&mut suffix, &item.created_at_us().to_be_bytes());
        push(&mut suffix, &item.id().get().to_be_bytes());
        if let Some(content) = content {
            push(&mut suffix, content.as_bytes());
        }
        let columns = 3 + i16::from(content.is_some());
        Self { sql, rows: Rows::OfItem { users, suffix }, columns }
    }

    /// Any rows, if there is a statement and copying them pays.
    pub(crate) fn any(sql: Option<&'a str>, rows: &'a [Row<'a>]) -> Option<Self> {
        let (sql, first) = (sql.filter(|_| rows.len() >= MIN_ROWS)?, rows.first()?);
        let columns = 2 + i16::from(first.user.is_some()) + i16::from(first.content.is_some());
        Some(Self { sql, rows: Rows::Any(rows), columns })
    }

    /// The COPY statement.
    pub(crate) fn sql(&self) -> &'a str {
        self.sql
    }

    /// Fills a block with the next bytes to send, beginning with row `from`. Returns the next row,
    /// or `None` after the last.
    pub(crate) fn fill(&self, block: &mut Vec<u8>, from: usize) -> Option<usize> {
        block.clear();
        if from == 0 {
            // The signature, no flags, no header extension.
            block.extend_from_slice(b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0");
        }
        let count = match &self.rows {
            Rows::OfItem { users, .. } => users.len(),
            Rows::Any(rows) => rows.len(),
        };
        for index in from..count {
            if block.len() >= BLOCK {
                return Some(index);
            }
            block.extend_from_slice(&self.columns.to_be_bytes());
            match &self.rows {
                Rows::OfItem { users, suffix } => {
                    push_user(block, &users[index]);
                    block.extend_from_slice(suffix);
                }
                Rows::Any(rows) => push_row(block, &rows[index]),
            }
        }
        // The trailer.
        block.extend_from_slice(&(-1_i16).to_be_bytes());
        None
    }
}

fn push_user(block: &mut Vec<u8>, user: &UserId) {
    match StoredId::from(user) {
        StoredId::Int(id) => push(block, &id.to_be_bytes()),
        StoredId::Uuid(id) => push(block, id.as_bytes()),
        StoredId::Text(id) => push(block, id.as_bytes()),
        StoredId::Null => block.extend_from_slice(&(-1_i32).to_be_bytes()),
    }
}

fn push_row(block: &mut Vec<u8>, row: &Row<'_>) {
    if let Some(user) = row.user {
        push_user(block, user);
    }
    push(block, &row.created_at_us.to_be_bytes());
    push(block, &row.id.to_be_bytes());
    if let Some(content) = row.content {
        push(block, content.as_bytes());
    }
}

/// A value after its length, which always fits: values are far shorter.
fn push(row: &mut Vec<u8>, value: &[u8]) {
    row.extend_from_slice(&(value.len() as i32).to_be_bytes());
    row.extend_from_slice(value);
}
