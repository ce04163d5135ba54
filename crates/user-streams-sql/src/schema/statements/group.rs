//! Inserting several adds at once.

use super::rows_source::rows_source;
use crate::{Dialect, Layout, Schema, dialect::Params, pool::MAX_LOCK_WAIT};

/// The statements of a group of adds, each for any number of
/// [rows](crate::dialect::Row::source). Each fails if one of its rows exists.
#[derive(Debug)]
pub(crate) struct GroupStatements {
    /// Whether items have a table of their own.
    pub(crate) separate_items: bool,
    /// Rows of items, if they have and it takes a statement of its own.
    pub(crate) items: Option<String>,
    /// What `deliveries` begins with, up to its INSERT of deliveries.
    pub(crate) with: String,
    /// Rows of deliveries, with the content unless there are `items`.
    pub(crate) deliveries: String,
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
        let (table, items) = (schema.quote(&schema.table), schema.quote(&schema.items_table()));
        let insert_items = |source: &str| {
            format!(
                "INSERT INTO {items} (created_at_us, id, content) SELECT k.created_at_us, k.id, \
                 k.content FROM {source}"
            )
        };
        // On PostgreSQL one statement inserts both, of the same parameters.
        let (items, with, has_content) = match (L::SEPARATE_ITEMS, dialect) {
            (false, _) => (None, String::new(), true),
            (true, Dialect::Postgres) => {
                (None, format!("WITH item AS ({}) ", insert_items(&source(true, true))), true)
            }
            (true, _) => (Some(insert_items(&source(false, true))), String::new(), false),
        };
        let content = if L::SEPARATE_ITEMS { "" } else { ", content" };
        let selected = if L::SEPARATE_ITEMS { "" } else { ", k.content" };
        let deliveries = format!(
            "{with}INSERT INTO {table} (user_id, created_at_us, id{content}) SELECT k.uid, \
             k.created_at_us, k.id{selected} FROM {}",
            source(true, has_content)
        );
        Self { separate_items: L::SEPARATE_ITEMS, items, with, deliveries }
    }
}
