//! The rows of several streams, nearest first.

use std::{cmp::Reverse, sync::Arc};

use sea_orm::Value;
use user_streams_core::Result;

use super::arms::{Arms, Part};
use crate::{
    Dialect,
    dialect::values,
    error::{from_db, is_invalid_text},
    ops::{
        Store,
        rows::{self, Key, Start, StoredRow, bigint},
    },
    pool::{Executor, Limits},
    row::ResultRow,
    schema::{MergedParam, MergedRange, MergedShape, MergedStatement, limit_in_text},
};

/// How many streams a statement reads at the most, and how many parameters it has. More streams
/// take more statements, one after the other on one connection.
const MAX_PARTS: usize = 32;
const MAX_PARAMS: usize = 30_000;

/// Streams that are read as one.
#[derive(Debug)]
pub(super) struct MergedStreams {
    store: Arc<Store>,
    /// What each statement reads.
    blocks: Vec<Arms>,
    less: Arms,
}

/// Rows of several streams, nearest first.
pub(super) struct Rows {
    pub(super) rows: Vec<StoredRow>,
    /// The place up to which these are all rows, if there may be more beyond it.
    pub(super) end: Option<Key>,
}

impl MergedStreams {
    /// `store` is that of the main streams.
    pub(super) fn new(store: &Arc<Store>, parts: &[Part], less: Vec<Part>) -> Self {
        let less = Arms::new(less);
        // Streams are padded up to twice their number; one has up to 7 parameters of its own.
        let each = 2 * (7 + 4 * less.len());
        let size = (MAX_PARAMS / each).clamp(1, MAX_PARTS);
        let blocks = parts.chunks(size).map(|parts| Arms::new(parts.to_vec())).collect();
        Self { store: Arc::clone(store), blocks, less }
    }

    /// The rows from there on: up to `limit` of each statement.
    pub(super) async fn read(&self, limits: Limits, start: Start, limit: u64) -> Result<Rows> {
        let blocks = match self.query(limits, start, limit, false).await {
            // One such row fails the statement. As bytes each row is read, and decoded here.
            Err(error) if is_invalid_text(&error) && self.dialect() == Dialect::Postgres => {
                self.query(limits, start, limit, true).await
            }
            blocks => blocks,
        }?;
        let mut all = Rows { rows: Vec::new(), end: None };
        for (arms, (statement, rows)) in self.blocks.iter().zip(blocks) {
            let mut decoded = Vec::with_capacity(rows.len());
            for row in &rows {
                decoded.push(decode(arms, row)?);
            }
            sort(start, &mut decoded);
            let end = end(&decoded, &statement, limit);
            all.end = match (all.end, end) {
                (Some(a), Some(b)) => Some(start.nearer(a, b)),
                (a, b) => a.or(b),
            };
            all.rows.extend(decoded);
        }
        if self.blocks.len() > 1 {
            sort(start, &mut all.rows);
        }
        if let Some(end) = all.end {
            // Beyond it another statement may have more.
            all.rows.retain(|row| start.nearer(row.key, end) == row.key);
        }
        Ok(all)
    }

    fn dialect(&self) -> Dialect {
        self.store.dialect()
    }

    /// What the statement of each block returns.
    async fn query(
        &self,
        limits: Limits,
        start: Start,
        limit: u64,
        of_bytes: bool,
    ) -> Result<Vec<(Arc<MergedStatement>, Vec<ResultRow>)>> {
        let mut bound = Vec::with_capacity(self.blocks.len());
        for arms in &self.blocks {
            let statement = self.statement(arms, start, limit, of_bytes);
            let values = self.values(&statement, arms, start, limit);
            bound.push((statement, values));
        }
        let read = |mut executor: Box<dyn Executor>| async move {
            let mut answers = Vec::with_capacity(bound.len());
            for (statement, values) in bound {
                let rows = executor.query(&statement.sql, values).await?;
                answers.push((statement, rows));
            }
            Ok(answers)
        };
        self.store.read(limits, read).await
    }

    fn statement(
        &self,
        arms: &Arms,
        start: Start,
        limit: u64,
        of_bytes: bool,
    ) -> Arc<MergedStatement> {
        let range = match start {
            Start::Offset(_) => MergedRange::All,
            Start::After(_) => MergedRange::Older,
            Start::Before(_) => MergedRange::Newer,
        };
        let shape = MergedShape {
            parts: arms.groups.clone(),
            less: self.less.groups.clone(),
            range,
            // What is newer than a place is bounded already.
            is_bounded: range != MergedRange::Newer && arms.are_bounded(),
            is_less_bounded: self.less.are_bounded(),
            of_bytes,
            limit: limit_in_text(self.dialect(), limit),
        };
        let separate_items = !self.store.statements.has_content();
        self.store.merged.get(self.dialect(), separate_items, shape)
    }

    fn values(
        &self,
        statement: &MergedStatement,
        arms: &Arms,
        start: Start,
        limit: u64,
    ) -> Vec<Value> {
        let dialect = self.dialect();
        let mut values = Vec::with_capacity(3 * statement.params.len());
        for param in &statement.params {
            match *param {
                MergedParam::User(number) => values.push(arms.user(dialect, number)),
                MergedParam::Place(number) => {
                    values.extend(place(dialect, start, arms.bound(number)));
                }
                MergedParam::Bound(number) => values.extend(arms.bound_values(dialect, number)),
                MergedParam::LessUser(number) => values.push(self.less.user(dialect, number)),
                MergedParam::LessBound(number) => {
                    values.extend(self.less.bound_values(dialect, number));
                }
                MergedParam::Limit => values.push(bigint(limit)),
            }
        }
        values
    }
}

/// The keyset from which a stream is read.
fn place(dialect: Dialect, start: Start, bound: Option<Key>) -> Vec<Value> {
    match start {
        Start::Before(key) => values::keyset(dialect, bound.map_or(key, |bound| bound.max(key))),
        Start::After(key) => values::keyset(dialect, key),
        Start::Offset(_) => Vec::new(),
    }
}

fn decode(arms: &Arms, row: &ResultRow) -> Result<StoredRow> {
    let number: i64 = row.get(3).map_err(from_db)?;
    let part = usize::try_from(number).ok().and_then(|number| arms.part(number));
    let part = part.ok_or_else(|| {
        from_db(sea_orm::DbErr::Type(format!("a row of a stream {number} that was not read")))
    })?;
    rows::decode(&part.store, &part.user, row)
}

fn sort(start: Start, rows: &mut [StoredRow]) {
    match start {
        Start::Before(_) => rows.sort_by_key(|row| row.key),
        Start::Offset(_) | Start::After(_) => rows.sort_by_key(|row| Reverse(row.key)),
    }
}

/// The place up to which a statement has returned all rows, if there may be more.
fn end(rows: &[StoredRow], statement: &MergedStatement, limit: u64) -> Option<Key> {
    if statement.is_limited {
        return rows.last().map(|row| row.key).filter(|_| rows.len() as u64 >= limit);
    }
    // Of each stream there are as many as that, so of all together too, each counted once.
    let mut keys = rows.chunk_by(|a, b| a.key == b.key);
    let last = usize::try_from(limit.saturating_sub(1)).unwrap_or(usize::MAX);
    keys.nth(last)?.first().map(|row| row.key)
}
