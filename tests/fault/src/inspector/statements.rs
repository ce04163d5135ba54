//! Statements that read what is stored, on any database.

use user_streams_test_servers::harness::Layout;

use super::{FeedRow, Row};
use crate::store::Store;

/// The deliveries of a feed, or of the main streams, with their items: `user_id, created_at_us, id,
/// content`.
pub(crate) fn select_rows(store: &Store, feed: Option<&str>, text: &str) -> String {
    let feed = feed.map(|feed| format!("__{feed}")).unwrap_or_default();
    let table = format!("{}{feed}", store.table);
    match store.layout {
        Layout::ManyToMany => format!(
            "SELECT CAST(d.user_id AS {text}), d.created_at_us, d.id, i.content FROM {table} AS d \
             LEFT JOIN {table}_items AS i ON i.id = d.id AND i.created_at_us = d.created_at_us"
        ),
        _ => format!("SELECT CAST(user_id AS {text}), created_at_us, id, content FROM {table}"),
    }
}

/// The marks: `user_id, name, created_at_us, id`.
pub(crate) fn select_marks(store: &Store, text: &str) -> String {
    let table = &store.table;
    format!("SELECT CAST(user_id AS {text}), name, created_at_us, id FROM {table}_marks")
}

/// The contents of items without a delivery, where items have a table of their own.
pub(crate) fn select_orphans(store: &Store) -> Option<String> {
    let table = &store.table;
    (store.layout == Layout::ManyToMany).then(|| {
        format!(
            "SELECT i.content FROM {table}_items AS i LEFT JOIN {table} AS d \
             ON d.id = i.id AND d.created_at_us = i.created_at_us WHERE d.id IS NULL"
        )
    })
}

/// The same as deliveries of users.
pub(crate) fn of_users(rows: Vec<FeedRow>) -> Vec<Row> {
    let row = |row: FeedRow| Row {
        user: user(&row.stream),
        created_at_us: row.created_at_us,
        id: row.id,
        content: row.content,
    };
    rows.into_iter().map(row).collect()
}

/// The number of a user, from an integer or a text id.
pub(crate) fn user(id: &str) -> i64 {
    id.trim_start_matches("user-").parse().unwrap_or(i64::MIN)
}
