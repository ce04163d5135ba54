//! Binary COPY, by which PostgreSQL takes many short rows nearly twice as fast as by a statement;
//! see decision 15.
//!
//! The format: <https://www.postgresql.org/docs/current/sql-copy.html>, "Binary Format".

use user_streams_core::{NewItem, UserId};

/// Fewer rows than this are inserted as fast by a statement.
pub(crate) const LEAST: usize = 2_000;
/// Longer contents are better sent once, in a statement that repeats them.
const LONGEST: usize = 512;
/// Bytes that are sent at a time.
const BLOCK: usize = 64 * 1024;

/// The rows of an item's deliveries.
#[derive(Debug)]
pub(crate) struct Rows<'a> {
    sql: &'a str,
    users: &'a [UserId],
    /// What each row has after the user.
    rest: Vec<u8>,
    columns: i16,
}

impl<'a> Rows<'a> {
    /// The rows for `sql`, where copying them pays: of user, time and id, and the content if it is
    /// given.
    pub(crate) fn new(
        sql: Option<&'a str>,
        users: &'a [UserId],
        item: &NewItem,
        content: Option<&str>,
    ) -> Option<Self> {
        let pays = users.len() >= LEAST && content.is_none_or(|content| content.len() <= LONGEST);
        let sql = sql.filter(|_| pays)?;
        let mut rest = Vec::new();
        push(&mut rest, &item.created_at_us().to_be_bytes());
        push(&mut rest, &item.id().get().to_be_bytes());
        if let Some(content) = content {
            push(&mut rest, content.as_bytes());
        }
        Some(Self { sql, users, rest, columns: 3 + i16::from(content.is_some()) })
    }

    /// The statement that copies them.
    pub(crate) fn sql(&self) -> &'a str {
        self.sql
    }

    /// Fills a block with the next bytes to send, from the row of this number on. Returns the
    /// number of the row after them; none follows where that is `None`.
    pub(crate) fn fill(&self, block: &mut Vec<u8>, from: usize) -> Option<usize> {
        block.clear();
        if from == 0 {
            // The signature, no flags, no extension of the header.
            block.extend_from_slice(b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0");
        }
        for (index, user) in self.users.iter().enumerate().skip(from) {
            if block.len() >= BLOCK {
                return Some(index);
            }
            self.push_row(block, user);
        }
        // The end.
        block.extend_from_slice(&(-1_i16).to_be_bytes());
        None
    }

    fn push_row(&self, block: &mut Vec<u8>, user: &UserId) {
        block.extend_from_slice(&self.columns.to_be_bytes());
        match user {
            UserId::Int(id) => push(block, &id.to_be_bytes()),
            UserId::Uuid(id) => push(block, id.as_bytes()),
            UserId::Text(id) => push(block, id.as_bytes()),
        }
        block.extend_from_slice(&self.rest);
    }
}

/// A value after its length; none is long enough for its length not to fit.
fn push(row: &mut Vec<u8>, value: &[u8]) {
    row.extend_from_slice(&(value.len() as i32).to_be_bytes());
    row.extend_from_slice(value);
}
