//! Streams with damaged rows among readable ones.

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use user_streams_core::OnCorrupt;
use user_streams_single_table::SingleTableConfig;

use crate::{
    database::TestDatabase,
    faults::handles::{self, Handle, Layout},
};

/// Text that is not UTF-8, in SQL, where the database accepts it.
pub(crate) fn not_utf8(database: &TestDatabase) -> Option<&'static str> {
    (database.backend() == DbBackend::Sqlite).then_some("CAST(x'61ff62' AS TEXT)")
}

/// The handles that fail at a damaged row, and over the same tables those that pass over it.
pub(crate) async fn handles(config: &SingleTableConfig) -> Vec<[Handle; 2]> {
    let failing = handles::handles(config, 3).await;
    let config = config.clone().with_on_corrupt(OnCorrupt::Skip);
    failing.into_iter().zip(handles::handles(&config, 3).await).map(|(a, b)| [a, b]).collect()
}

/// A row to be stored: its key, and its content in SQL; none for a delivery without its item.
pub(crate) struct Row {
    pub(crate) at: i64,
    pub(crate) id: i64,
    pub(crate) content: Option<String>,
}

impl Row {
    pub(crate) fn new(at: i64, id: i64, content: impl Into<String>) -> Self {
        Self { at, id, content: Some(content.into()) }
    }

    pub(crate) fn without_item(at: i64, id: i64) -> Self {
        Self { at, id, content: None }
    }
}

/// Stores these rows in a user's stream.
pub(crate) async fn store(database: &TestDatabase, handle: &Handle, user: i64, rows: &[Row]) {
    let table = &handle.table;
    for rows in rows.chunks(500) {
        let list = |values: Vec<String>| values.join(", ");
        let keys = |row: &Row| format!("{user}, {}, {}", row.at, row.id);
        let content = |row: &Row| row.content.clone().unwrap_or_else(|| "NULL".to_owned());
        let statements = match handle.layout {
            Layout::SingleTable => {
                let values = rows.iter().map(|row| format!("({}, {})", keys(row), content(row)));
                let values = list(values.collect());
                vec![format!(
                    "INSERT INTO {table} (user_id, created_at_us, id, content) VALUES {values}"
                )]
            }
            Layout::ManyToMany => {
                let deliveries = list(rows.iter().map(|row| format!("({})", keys(row))).collect());
                let items = rows.iter().filter(|row| row.content.is_some());
                let items = items.map(|row| format!("({}, {}, {})", row.at, row.id, content(row)));
                let items: Vec<_> = items.collect();
                let mut statements = vec![format!(
                    "INSERT INTO {table} (user_id, created_at_us, id) VALUES {deliveries}"
                )];
                if !items.is_empty() {
                    let values = list(items);
                    // Another user may have the item too.
                    let (ignore, nothing) = match database.backend() {
                        DbBackend::MySql => (" IGNORE", ""),
                        _ => ("", " ON CONFLICT DO NOTHING"),
                    };
                    statements.push(format!(
                        "INSERT{ignore} INTO {table}_items (created_at_us, id, content) VALUES \
                         {values}{nothing}"
                    ));
                }
                statements
            }
        };
        for sql in statements {
            database.run(&sql).await;
        }
    }
}

/// Some time of 2023.
pub(crate) const AT: i64 = 1_700_000_000_000_000;

/// A stream of 700 readable items `0` (the oldest) to `699`, among damaged rows of every kind that
/// this database and layout can have; returns the number of damaged ones.
pub(crate) async fn store_mixed(database: &TestDatabase, handle: &Handle, user: i64) -> u64 {
    let readable = (0..700).map(|n| Row::new(AT + 10 * n, n + 1, format!("'{n}'")));
    store(database, handle, user, &readable.collect::<Vec<_>>()).await;
    let mut damaged = vec![
        // The newest and the oldest of all.
        Row::new(i64::MAX, 1, "'late'"),
        Row::new((1 << 53) + 1, i64::MAX, "'late'"),
        Row::new(i64::MIN, 1, "'early'"),
        Row::new(-(1 << 53) - 1, 7, "'early'"),
        // At the same time as readable items.
        Row::new(AT, 0, "'no id'"),
        Row::new(AT + 10, -5, "'negative'"),
        Row::new(AT + 6_990, i64::MIN, "'negative'"),
    ];
    // More in a row than a chunk has.
    damaged.extend((0..300).map(|n| Row::new(AT + 3_505, -n, "'in a row'")));
    if let Some(content) = not_utf8(database) {
        damaged.extend((0..5).map(|n| Row::new(AT + 1_000 * n + 1, n + 1, content)));
    }
    if handle.layout == Layout::ManyToMany {
        damaged.extend((0..400).map(|n| Row::without_item(AT + 15 * n + 2, n + 1)));
    }
    store(database, handle, user, &damaged).await;
    damaged.len() as u64
}

/// The contents of the readable items of [`store_mixed`], newest first.
pub(crate) fn readable() -> Vec<String> {
    (0..700).rev().map(|n| n.to_string()).collect()
}

pub(crate) async fn execute(database: &TestDatabase, sql: &str) -> u64 {
    let statement = Statement::from_string(database.backend(), sql);
    database.connection.execute_raw(statement).await.unwrap().rows_affected()
}
