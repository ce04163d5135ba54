//! Inserting many different rows.

use super::rows_source::rows_source;
use crate::{Dialect, Schema, dialect::Params};

/// The statements of `bulk_add`.
#[derive(Debug)]
pub(crate) struct BulkStatements {
    /// Items, where they have a table of their own.
    pub(crate) items: Option<BulkItems>,
    /// Deliveries, with the content if they have it.
    pub(crate) deliveries: InsertRows,
}

/// Items in their own table.
#[derive(Debug)]
pub(crate) struct BulkItems {
    pub(crate) insert: InsertRows,
    /// The rows; returns one row for each item that is stored with the same content, and locks it
    /// until the end of the transaction.
    pub(crate) same: String,
    /// The rows; counts, and locks, the same items without returning them; on MySQL.
    pub(crate) count_same: Option<String>,
}

/// Inserting [rows](crate::dialect::Row) into a table.
#[derive(Debug)]
pub(crate) struct InsertRows {
    /// COPY, which fails if a row exists; on PostgreSQL.
    pub(crate) copy: Option<String>,
    /// What is before and after the rows of values; on the others.
    pub(crate) values: Option<[String; 2]>,
    /// Inserts those that are missing, from [`rows_source`](super::rows_source::rows_source). On
    /// MySQL it fails if one is inserted meanwhile.
    pub(crate) missing: String,
}

impl BulkStatements {
    pub(super) fn new(schema: &Schema, table: &str, items: Option<&str>) -> Self {
        // The primary key is the only error that MySQL's IGNORE can hide, unless there is a
        // foreign key.
        let may_ignore = schema.users.is_none();
        Self {
            items: items.map(|items| BulkItems::new(schema, items)),
            deliveries: InsertRows::new(schema, table, true, items.is_none(), may_ignore),
        }
    }
}

impl BulkItems {
    fn new(schema: &Schema, items: &str) -> Self {
        let dialect = schema.dialect;
        let source = rows_source(dialect, None, true, &mut Params::after(dialect, 0));
        let same_key = "i.id = k.id AND i.created_at_us = k.created_at_us";
        let (same_content, lock) = match dialect {
            Dialect::Sqlite => ("i.content = k.content", ""),
            Dialect::Postgres => ("i.content = k.content", " FOR KEY SHARE OF i"),
            Dialect::MySql => ("CAST(i.content AS BINARY) = CAST(k.content AS BINARY)", ""),
        };
        let join = dialect.lookup_join();
        Self {
            insert: InsertRows::new(schema, items, false, true, true),
            same: format!(
                "SELECT k.n FROM {source} {join} {items} AS i ON {same_key} WHERE \
                 {same_content}{lock}"
            ),
            count_same: (dialect == Dialect::MySql).then(|| {
                format!(
                    "UPDATE {source} {join} {items} AS i ON {same_key} SET i.content = i.content \
                     WHERE {same_content}"
                )
            }),
        }
    }
}

impl InsertRows {
    fn new(schema: &Schema, table: &str, user: bool, content: bool, may_ignore: bool) -> Self {
        let dialect = schema.dialect;
        let names =
            [(user, "user_id"), (true, "created_at_us"), (true, "id"), (content, "content")];
        let names: Vec<_> = names.into_iter().filter_map(|(is, name)| is.then_some(name)).collect();
        let columns = names.join(", ");
        let into = format!("INTO {table} ({columns})");
        let kind = user.then_some(schema.user_id);
        let source = rows_source(dialect, kind, content, &mut Params::after(dialect, 0));
        let selected = columns.replacen("user_id", "uid", 1).replace(", ", ", k.");
        let select = format!("SELECT k.{selected} FROM {source}");
        match dialect {
            Dialect::Postgres => Self {
                copy: Some(format!("COPY {table} ({columns}) FROM STDIN (FORMAT binary)")),
                values: None,
                missing: format!("INSERT {into} {select} ON CONFLICT DO NOTHING"),
            },
            // Without the condition, ON would be taken for that of a join.
            Dialect::Sqlite => Self {
                copy: None,
                values: Some([
                    format!("INSERT {into} VALUES "),
                    " ON CONFLICT DO NOTHING".to_owned(),
                ]),
                missing: format!("INSERT {into} {select} WHERE TRUE ON CONFLICT DO NOTHING"),
            },
            Dialect::MySql => {
                let ignore = if may_ignore { " IGNORE" } else { "" };
                let same_user = if user { "e.user_id = k.uid AND " } else { "" };
                Self {
                    copy: None,
                    values: Some([format!("INSERT{ignore} {into} VALUES "), String::new()]),
                    missing: format!(
                        "INSERT {into} {select} WHERE NOT EXISTS (SELECT 1 FROM {table} AS e \
                         WHERE {same_user}e.created_at_us = k.created_at_us AND e.id = k.id)"
                    ),
                }
            }
        }
    }
}
