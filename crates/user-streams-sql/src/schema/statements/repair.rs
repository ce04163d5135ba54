//! Deleting damaged rows of a stream.

use super::{page::postgres_bytes, rows_source::rows_source};
use crate::{Dialect, dialect::Params};

/// The statements of `repair_stream`. `keys` are those of
/// [`item_keys`](crate::dialect::item_keys).
#[derive(Debug)]
pub(crate) struct RepairStatements {
    /// `keys, user`; locks these rows and returns `id, created_at_us, content`
    pub(crate) lock: String,
    /// `keys, user`
    pub(crate) delete: String,
    /// `user`; deletes the rows whose keys are no integers, where a column can have any type
    pub(crate) delete_without_place: Option<String>,
    /// If items have a table of their own.
    pub(crate) items: Option<PlaceholderStatements>,
}

/// Placeholders for missing items.
#[derive(Debug)]
pub(crate) struct PlaceholderStatements {
    /// `keys, content`; inserts an item of this content for each key that has none
    pub(crate) insert: String,
    /// `keys, content`; deletes them
    pub(crate) delete: String,
}

impl RepairStatements {
    pub(super) fn new(dialect: Dialect, table: &str, items: Option<&str>) -> Self {
        let mut params = Params::after(dialect, 0);
        let (keys, join) = (rows_source(dialect, None, false, &mut params), dialect.lookup_join());
        let user = params.next();
        let same_key = "d.created_at_us = k.created_at_us AND d.id = k.id";
        let (content, items_join) = match items {
            None => ("d.content", String::new()),
            Some(items) => (
                "i.content",
                format!(
                    " LEFT JOIN {items} AS i ON i.id = d.id AND i.created_at_us = d.created_at_us"
                ),
            ),
        };
        let content = match dialect {
            Dialect::Postgres => postgres_bytes(content),
            _ => content.to_owned(),
        };
        // On SQLite the transaction is the only writer.
        let for_update = match dialect {
            Dialect::Sqlite => "",
            Dialect::Postgres => " FOR UPDATE OF d",
            Dialect::MySql => " FOR UPDATE",
        };
        Self {
            lock: format!(
                "SELECT d.id, d.created_at_us, {content} FROM {keys} {join} {table} AS d ON \
                 {same_key}{items_join} WHERE d.user_id = {user}{for_update}"
            ),
            delete: match dialect {
                Dialect::Sqlite => format!(
                    "DELETE FROM {table} WHERE (created_at_us, id) IN (SELECT created_at_us, id \
                     FROM {keys}) AND user_id = {user}"
                ),
                Dialect::Postgres => format!(
                    "DELETE FROM {table} AS d USING {keys} WHERE {same_key} AND d.user_id = {user}"
                ),
                Dialect::MySql => format!(
                    "DELETE d FROM {keys} {join} {table} AS d ON {same_key} WHERE d.user_id = \
                     {user}"
                ),
            },
            delete_without_place: (dialect == Dialect::Sqlite).then(|| {
                format!(
                    "DELETE FROM {table} WHERE user_id = {user} AND (typeof(created_at_us) <> \
                     'integer' OR typeof(id) <> 'integer')"
                )
            }),
            items: items.map(|items| PlaceholderStatements::new(dialect, items)),
        }
    }
}

impl PlaceholderStatements {
    fn new(dialect: Dialect, items: &str) -> Self {
        let mut params = Params::after(dialect, 0);
        let keys = rows_source(dialect, None, false, &mut params);
        let content = params.next();
        let (ignore, typed, on_conflict) = match dialect {
            Dialect::Sqlite => ("", "", " WHERE TRUE ON CONFLICT DO NOTHING"),
            Dialect::Postgres => ("", "::text", " ON CONFLICT DO NOTHING"),
            Dialect::MySql => (" IGNORE", "", ""),
        };
        Self {
            insert: format!(
                "INSERT{ignore} INTO {items} (created_at_us, id, content) SELECT k.created_at_us, \
                 k.id, p.content FROM {keys} CROSS JOIN (SELECT {content}{typed} AS content) AS p\
                 {on_conflict}"
            ),
            delete: match dialect {
                Dialect::Sqlite => format!(
                    "DELETE FROM {items} WHERE (id, created_at_us) IN (SELECT id, created_at_us \
                     FROM {keys}) AND content = {content}"
                ),
                Dialect::Postgres => format!(
                    "DELETE FROM {items} AS i USING {keys} WHERE i.id = k.id AND i.created_at_us = \
                     k.created_at_us AND i.content = {content}"
                ),
                Dialect::MySql => format!(
                    "DELETE i FROM {keys} {} {items} AS i ON i.id = k.id AND i.created_at_us = \
                     k.created_at_us WHERE i.content = {content}",
                    dialect.lookup_join()
                ),
            },
        }
    }
}
