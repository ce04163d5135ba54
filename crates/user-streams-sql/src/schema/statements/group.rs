//! Inserting several adds at once.

use std::borrow::Cow;

use sea_orm::Value;
use user_streams_core::UserIdKind;

use super::rows_source::rows_source;
use crate::{
    Dialect, Layout, Schema,
    dialect::{Params, Row},
    pool::MAX_LOCK_WAIT,
};

/// The statements of a group of adds. Each fails if one of its rows exists.
#[derive(Debug)]
pub(crate) struct GroupStatements {
    /// Whether items have a table of their own.
    pub(crate) separate_items: bool,
    /// Rows of items, if they have and it takes a statement of its own.
    pub(crate) items: Option<InsertGroup>,
    /// What `deliveries` begins with, up to its INSERT of deliveries.
    pub(crate) with: String,
    /// Rows of deliveries, with the content unless there are `items`.
    pub(crate) deliveries: InsertGroup,
}

/// Inserting any number of [rows](Row).
#[derive(Debug)]
pub(crate) struct InsertGroup {
    /// From [`Row::source`]; on SQLite, where JSON takes twice the time, up to the rows of values.
    sql: String,
}

/// Rows of values are filled up to a multiple of this many, so that there are few statements to be
/// kept.
const VALUES_STEP: usize = 8;

impl InsertGroup {
    fn new<L: Layout>(schema: &Schema, with: &str, is_item: bool, source: &str) -> Self {
        let has_content = is_item || !L::SEPARATE_ITEMS;
        let columns = |user: &str, k: &str| {
            let user = if is_item { String::new() } else { format!("{k}{user}, ") };
            let content = if has_content { format!(", {k}content") } else { String::new() };
            format!("{user}{k}created_at_us, {k}id{content}")
        };
        let table = if is_item { schema.items_table() } else { schema.table.clone() };
        let into =
            format!("{with}INSERT INTO {} ({})", schema.quote(&table), columns("user_id", ""));
        let sql = match schema.dialect {
            Dialect::Sqlite => format!("{into} SELECT * FROM (VALUES "),
            _ => format!("{into} SELECT {} FROM {source}", columns("uid", "k.")),
        };
        Self { sql }
    }

    /// The statement for these rows, and its parameters.
    pub(crate) fn statement(
        &self,
        dialect: Dialect,
        kind: UserIdKind,
        rows: &[Row<'_>],
    ) -> (Cow<'_, str>, Vec<Value>) {
        if dialect != Dialect::Sqlite {
            return (self.sql.as_str().into(), Row::source(dialect, kind, rows));
        }
        let mut values: Vec<_> = rows.iter().flat_map(|row| row.values(dialect)).collect();
        let columns = values.len() / rows.len().max(1);
        let filled = rows.len().next_multiple_of(VALUES_STEP);
        values.resize(filled * columns, Value::BigInt(None));
        let row = format!("({})", vec!["?"; columns].join(", "));
        let rows = vec![row; filled].join(", ");
        (format!("{}{rows}) WHERE column1 IS NOT NULL", self.sql).into(), values)
    }
}

impl GroupStatements {
    pub(crate) fn new<L: Layout>(schema: &Schema) -> Self {
        let dialect = schema.dialect;
        let source = |user: bool, content: bool| {
            let user = user.then_some(schema.user_id);
            let rows = rows_source(dialect, user, content, &mut Params::after(dialect, 0));
            if dialect != Dialect::Postgres {
                return rows;
            }
            // For the transaction, which is the statement unless there is one around it.
            let wait = MAX_LOCK_WAIT.as_millis();
            format!("{rows}, (SELECT set_config('lock_timeout', '{wait}', TRUE)) AS l")
        };
        let insert_items = |source: &str| InsertGroup::new::<L>(schema, "", true, source);
        // On PostgreSQL one statement inserts both, of the same parameters.
        let (items, with, has_content) = match (L::SEPARATE_ITEMS, dialect) {
            (false, _) => (None, String::new(), true),
            (true, Dialect::Postgres) => {
                (None, format!("WITH item AS ({}) ", insert_items(&source(true, true)).sql), true)
            }
            (true, _) => (Some(insert_items(&source(false, true))), String::new(), false),
        };
        let deliveries = InsertGroup::new::<L>(schema, &with, false, &source(true, has_content));
        Self { separate_items: L::SEPARATE_ITEMS, items, with, deliveries }
    }
}
