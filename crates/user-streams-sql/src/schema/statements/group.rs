//! Inserting several adds at once, for the group commit on SQLite.

use crate::{Layout, Schema};

/// Statements for 2, 4, 8, … rows, so that few of them are prepared. Rows of NULL are skipped.
#[derive(Debug)]
pub(crate) struct GroupStatements {
    /// Each row `created_at_us, id, content`; if items have a table of their own
    pub(crate) items: Option<Vec<GroupInsert>>,
    /// Each row `created_at_us, id, user, [content]`
    pub(crate) deliveries: Vec<GroupInsert>,
}

/// A statement for this number of rows.
#[derive(Debug)]
pub(crate) struct GroupInsert {
    pub(crate) rows: usize,
    pub(crate) sql: String,
}

impl GroupStatements {
    pub(crate) fn new<L: Layout>(schema: &Schema, max_rows: usize) -> Self {
        let statements = |table: &str, columns: &[&str]| -> Vec<GroupInsert> {
            let row = format!("({})", vec!["?"; columns.len()].join(", "));
            let sizes =
                std::iter::successors(Some(2), |size| (*size < max_rows).then_some(size * 2));
            let sql = |rows| {
                format!(
                    "INSERT INTO {} ({}) SELECT * FROM (VALUES {}) WHERE column1 IS NOT NULL",
                    schema.quote(table),
                    columns.join(", "),
                    vec![row.as_str(); rows].join(", ")
                )
            };
            sizes.map(|rows| GroupInsert { rows, sql: sql(rows) }).collect()
        };
        if L::SEPARATE_ITEMS {
            Self {
                items: Some(statements(&schema.items_table(), &["created_at_us", "id", "content"])),
                deliveries: statements(&schema.table, &["created_at_us", "id", "user_id"]),
            }
        } else {
            let columns = ["created_at_us", "id", "user_id", "content"];
            Self { items: None, deliveries: statements(&schema.table, &columns) }
        }
    }
}

impl GroupInsert {
    /// The smallest statement with room for `count` rows.
    pub(crate) fn for_rows(statements: &[Self], count: usize) -> Option<&Self> {
        statements.iter().find(|statement| statement.rows >= count)
    }
}
