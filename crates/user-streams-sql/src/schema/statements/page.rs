//! Reading a page of a stream.

use super::{by_limit::ByLimit, keyset::keyset};
use crate::{Dialect, dialect::Params};

/// The statements that read a page. They choose the rows; the caller sorts them.
#[derive(Debug)]
pub(crate) struct PageStatements {
    /// `user, limit, offset`
    pub(crate) at_offset: ByLimit,
    /// `user, `[keyset]`, limit`
    pub(crate) after: ByLimit,
    /// `user, `[keyset]`, limit`; oldest first
    pub(crate) before: ByLimit,
}

impl PageStatements {
    /// For the table of deliveries, and that of the items if they have one. Content is text, or
    /// NULL where the item of a delivery is missing.
    pub(super) fn new(dialect: Dialect, table: &str, items: Option<&str>) -> Self {
        Self::with_content(dialect, table, items, str::to_owned)
    }

    /// The same with content as bytes, where text that is not valid fails the statement.
    pub(super) fn of_bytes(dialect: Dialect, table: &str, items: Option<&str>) -> Option<Self> {
        let of_bytes = || Self::with_content(dialect, table, items, postgres_bytes);
        (dialect == Dialect::Postgres).then(of_bytes)
    }

    fn with_content(
        dialect: Dialect,
        table: &str,
        items: Option<&str>,
        content: fn(&str) -> String,
    ) -> Self {
        let page = Page { dialect, table, items, content };
        let keyset_page = |older: bool| {
            let mut params = Params::after(dialect, 0);
            let user = params.next();
            let rows = format!("user_id = {user}{}", keyset(dialect, older, &mut params));
            let first = format!("LIMIT {}{}", params.next(), dialect.limit_suffix());
            page.sql(rows, if older { "DESC" } else { "ASC" }, first)
        };
        let mut params = Params::after(dialect, 0);
        let (user, limit, offset) = (params.next(), params.next(), params.next());
        let suffix = dialect.limit_suffix();
        let first = format!("LIMIT {limit}{suffix} OFFSET {offset}{suffix}");
        Self {
            at_offset: page.sql(format!("user_id = {user}"), "DESC", first),
            after: keyset_page(true),
            before: keyset_page(false),
        }
    }
}

/// What the statements of a page have in common.
struct Page<'a> {
    dialect: Dialect,
    table: &'a str,
    items: Option<&'a str>,
    content: fn(&str) -> String,
}

impl Page<'_> {
    /// The `first` of these rows in this order.
    fn sql(&self, rows: String, order: &str, first: String) -> ByLimit {
        let Self { dialect, table, items, content } = *self;
        let ordered = format!("ORDER BY created_at_us {order}, id {order}");
        ByLimit::new(dialect, |limit| {
            let rows = format!("FROM {table} WHERE {rows} {ordered}");
            // The page is limited before content is looked up. Without its item a delivery is a
            // damaged row, not one less.
            match (items, limit) {
                (None, None) => {
                    format!("SELECT id, created_at_us, {} {rows} {first}", content("content"))
                }
                (None, Some(limit)) => format!(
                    "SELECT id, created_at_us, {} FROM (SELECT id, created_at_us, content {rows} \
                     LIMIT {limit}) AS d {ordered} {first}",
                    content("content")
                ),
                (Some(items), None) => format!(
                    "SELECT d.id, d.created_at_us, {} FROM (SELECT created_at_us, id {rows} \
                     {first}) AS d LEFT JOIN {items} AS i ON i.id = d.id AND i.created_at_us = \
                     d.created_at_us",
                    content("i.content")
                ),
                (Some(items), Some(limit)) => format!(
                    "SELECT d.id, d.created_at_us, {} FROM (SELECT created_at_us, id {rows} LIMIT \
                     {limit}) AS d LEFT JOIN {items} AS i ON i.id = d.id AND i.created_at_us = \
                     d.created_at_us ORDER BY d.created_at_us {order}, d.id {order} {first}",
                    content("i.content")
                ),
            }
        })
    }
}

/// Text as bytes in UTF-8. A database of the encoding `SQL_ASCII` has text of any bytes, which it
/// does not convert, but checks before it sends it as text.
pub(super) fn postgres_bytes(text: &str) -> String {
    format!(
        "CASE current_setting('server_encoding') WHEN 'SQL_ASCII' THEN convert_to({text}, \
         'SQL_ASCII') ELSE textsend({text}) END"
    )
}
