//! Reading a page of a stream.

use super::keyset::keyset;
use crate::{Dialect, dialect::Params};

/// The statements that read a page. They choose the rows; the caller sorts them.
#[derive(Debug)]
pub(crate) struct PageStatements {
    /// `user, limit, offset`
    pub(crate) at_offset: String,
    /// `user, `[keyset]`, limit`
    pub(crate) after: String,
    /// `user, `[keyset]`, limit`; oldest first
    pub(crate) before: String,
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
        let limit_suffix = dialect.limit_suffix();
        let page = |user: &str, keyset: &str, order: &str, limit: &str, offset: &str| {
            let rows = format!(
                "FROM {table} WHERE user_id = {user}{keyset} ORDER BY created_at_us {order}, id \
                 {order} LIMIT {limit}{limit_suffix}{offset}"
            );
            match items {
                None => format!("SELECT id, created_at_us, {} {rows}", content("content")),
                // The page is limited before the content is joined. Without its item a delivery is
                // a damaged row, not one less.
                Some(items) => format!(
                    "SELECT d.id, d.created_at_us, {} FROM (SELECT created_at_us, id {rows}) AS d \
                     LEFT JOIN {items} AS i ON i.id = d.id AND i.created_at_us = d.created_at_us",
                    content("i.content")
                ),
            }
        };
        let keyset_page = |older: bool| {
            let mut params = Params::after(dialect, 0);
            let user = params.next();
            let keyset = keyset(dialect, older, &mut params);
            page(&user, &keyset, if older { "DESC" } else { "ASC" }, &params.next(), "")
        };
        let mut params = Params::after(dialect, 0);
        let (user, limit, offset) = (params.next(), params.next(), params.next());
        let offset = format!(" OFFSET {offset}{limit_suffix}");
        Self {
            at_offset: page(&user, "", "DESC", &limit, &offset),
            after: keyset_page(true),
            before: keyset_page(false),
        }
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
