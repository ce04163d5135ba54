//! Binary COPY, which is nearly twice as fast as INSERT for many short rows on PostgreSQL; see
//! decision 15.
//!
//! The format: <https://www.postgresql.org/docs/current/sql-copy.html>, "Binary Format".

use user_streams_core::{NewItem, UserId};

use super::values::StoredId;

/// Fewer rows are inserted as fast by a statement.
pub(crate) const MIN_ROWS: usize = 2_000;
/// Longer content is better sent once, in a statement that repeats it.
const MAX_CONTENT: usize = 512;
/// How many bytes are sent at a time.
const BLOCK: usize = 64 * 1024;

/// The delivery rows of an item.
#[derive(Debug)]
pub(crate) struct CopyRows<'a> {
    sql: &'a str,
    users: &'a [UserId],
    /// The columns after the user, which are the same in each row.
    suffix: Vec<u8>,
    columns: i16,
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
        Self { sql, users, suffix, columns: 3 + i16::from(content.is_some()) }
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
        for (index, user) in self.users.iter().enumerate().skip(from) {
            if block.len() >= BLOCK {
                return Some(index);
            }
            self.push_row(block, user);
        }
        // The trailer.
        block.extend_from_slice(&(-1_i16).to_be_bytes());
        None
    }

    fn push_row(&self, block: &mut Vec<u8>, user: &UserId) {
        block.extend_from_slice(&self.columns.to_be_bytes());
        match StoredId::from(user) {
            StoredId::Int(id) => push(block, &id.to_be_bytes()),
            StoredId::Uuid(id) => push(block, id.as_bytes()),
            StoredId::Text(id) => push(block, id.as_bytes()),
            StoredId::Null => block.extend_from_slice(&(-1_i32).to_be_bytes()),
        }
        block.extend_from_slice(&self.suffix);
    }
}

/// A value after its length, which always fits: values are far shorter.
fn push(row: &mut Vec<u8>, value: &[u8]) {
    row.extend_from_slice(&(value.len() as i32).to_be_bytes());
    row.extend_from_slice(value);
}
