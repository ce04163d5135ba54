//! What the hand-written programs share.

use std::{
    collections::HashSet,
    ops::RangeInclusive,
    sync::atomic::{AtomicI64, Ordering},
};

use anyhow::Result;
use user_streams_test_servers::harness::member;

use super::BulkRow;

/// An item as the hand-written programs return it.
#[derive(Debug)]
#[expect(dead_code, reason = "an application would read them")]
pub(crate) struct Item {
    pub(crate) id: i64,
    pub(crate) created_at_us: i64,
    pub(crate) content: String,
}

impl Item {
    pub(crate) fn from_member(member: &[u8]) -> Result<Self> {
        let (created_at_us, id, content) = member::decode(member)?;
        Ok(Self { id, created_at_us, content })
    }
}

/// The number of items, which the optimizer must not omit.
pub(crate) fn consume(items: Vec<Item>) -> usize {
    std::hint::black_box(items).len()
}

/// The current time in microseconds, and a new id.
pub(crate) fn timestamp_and_id() -> (i64, i64) {
    static LAST: AtomicI64 = AtomicI64::new(1 << 40);
    (chrono::Utc::now().timestamp_micros(), LAST.fetch_add(1, Ordering::Relaxed))
}

/// The ids in chunks.
pub(crate) fn chunks(
    users: RangeInclusive<i64>,
    size: usize,
) -> impl Iterator<Item = Vec<i64>> + Send {
    let mut users = users.fuse();
    std::iter::from_fn(move || {
        let chunk: Vec<_> = users.by_ref().take(size).collect();
        (!chunk.is_empty()).then_some(chunk)
    })
}

/// The first row of each item.
pub(crate) fn items_of(rows: &[BulkRow]) -> Vec<&BulkRow> {
    let mut known = HashSet::with_capacity(rows.len());
    rows.iter().filter(|row| known.insert((row.created_at_us, row.id))).collect()
}

/// A statement with so many rows of values of so many columns.
pub(crate) fn values_statement([before, after]: [&str; 2], rows: usize, columns: usize) -> String {
    let row = format!("({})", vec!["?"; columns].join(", "));
    format!("{before}{}{after}", vec![row; rows].join(", "))
}

/// The rows as PostgreSQL's binary COPY has them.
pub(crate) fn copy_rows(rows: &[BulkRow]) -> Vec<u8> {
    let mut out = Vec::with_capacity(rows.len() * 160);
    out.extend(b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0");
    for row in rows {
        out.extend(4_i16.to_be_bytes());
        for number in [row.user, row.created_at_us, row.id] {
            out.extend(8_i32.to_be_bytes());
            out.extend(number.to_be_bytes());
        }
        out.extend((row.content.len() as i32).to_be_bytes());
        out.extend(row.content.as_bytes());
    }
    out.extend((-1_i16).to_be_bytes());
    out
}

/// The ids as a JSON array, for databases without arrays.
pub(crate) fn json(users: &[i64]) -> String {
    use std::fmt::Write;
    let mut json = String::with_capacity(users.len() * 8 + 2);
    json.push('[');
    for (index, user) in users.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        _ = write!(json, "{comma}{user}");
    }
    json.push(']');
    json
}
