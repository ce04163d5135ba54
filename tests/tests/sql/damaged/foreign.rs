//! Tables that something else has made: other types, and NULL.

use sea_orm::DbBackend;
use user_streams_core::ErrorKind;

use super::rows::{AT, Row, handles, store};
use crate::{
    database::TestDatabase,
    faults::handles::{Handle, Layout},
};

crate::tests![
    content_that_is_null_is_a_damaged_row,
    values_of_any_type_are_damaged_rows,
    a_row_without_a_place_is_named_and_repaired,
    a_column_of_another_type_is_named,
];

/// The table that has the content.
fn content_table(handle: &Handle) -> String {
    match handle.layout {
        Layout::SingleTable => handle.table.clone(),
        Layout::ManyToMany => format!("{}_items", handle.table),
    }
}

/// Makes the content of this table nullable.
pub(super) async fn allow_null(database: &TestDatabase, table: &str) {
    match database.backend() {
        DbBackend::Postgres => {
            let sql = format!("ALTER TABLE {table} ALTER COLUMN content DROP NOT NULL");
            database.run(&sql).await;
        }
        DbBackend::MySql => {
            let sql = format!(
                "ALTER TABLE {table} MODIFY content MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE \
                 utf8mb4_bin NULL"
            );
            database.run(&sql).await;
        }
        _ => untyped(database, table).await,
    }
}

/// Replaces a table of SQLite by one whose columns take any value.
async fn untyped(database: &TestDatabase, table: &str) {
    let has_content = format!(
        "SELECT COUNT(*) FROM pragma_table_info('{table}') WHERE name IN ('user_id', 'content')"
    );
    let columns = match (database.number(&has_content).await, table.ends_with("_items")) {
        (2, _) => "user_id, created_at_us, id, content, UNIQUE (user_id, created_at_us, id)",
        (_, true) => "created_at_us, id, content, UNIQUE (id, created_at_us)",
        (_, false) => "user_id, created_at_us, id, UNIQUE (user_id, created_at_us, id)",
    };
    for sql in [format!("DROP TABLE {table}"), format!("CREATE TABLE {table} ({columns})")] {
        database.run(&sql).await;
    }
}

async fn content_that_is_null_is_a_damaged_row(database: TestDatabase) {
    for [failing, skipping] in handles(&database.config()).await {
        let name = failing.name();
        allow_null(&database, &content_table(&failing)).await;
        let rows =
            [Row::new(AT + 3, 3, "'3'"), Row::new(AT + 2, 2, "NULL"), Row::new(AT + 1, 1, "'1'")];
        store(&database, &failing, 1, &rows).await;
        let error = failing.streams.get_stream_items(1).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{name}: {error:?}");
        assert!(error.message().contains(&format!("{}, id 2)", AT + 2)), "{name}: {error}");
        assert_eq!(skipping.contents(1).await, ["3", "1"], "{name}");
        assert_eq!(failing.streams.repair_stream(1).await.unwrap(), 1, "{name}");
        assert_eq!(failing.contents(1).await, ["3", "1"], "{name}");
    }
}

/// On SQLite a column without a type takes any value.
async fn values_of_any_type_are_damaged_rows(database: TestDatabase) {
    if database.backend() != DbBackend::Sqlite {
        return;
    }
    for [failing, skipping] in handles(&database.config()).await {
        let name = failing.name();
        untyped(&database, &content_table(&failing)).await;
        let contents = ["'text'", "17", "1.5", "x'ff'", "NULL", "CAST(x'ff' AS TEXT)", "x'61'"];
        let rows = contents.iter().zip(1..).map(|(content, n)| Row::new(AT + n, n, *content));
        store(&database, &failing, 1, &rows.collect::<Vec<_>>()).await;
        // Bytes are text if they are UTF-8.
        assert_eq!(skipping.contents(1).await, ["a", "text"], "{name}");
        assert_eq!(failing.streams.repair_stream(1).await.unwrap(), 5, "{name}");
        assert_eq!(failing.contents(1).await, ["a", "text"], "{name}");
    }
}

async fn a_row_without_a_place_is_named_and_repaired(database: TestDatabase) {
    if database.backend() != DbBackend::Sqlite {
        return;
    }
    for [failing, skipping] in handles(&database.config()).await {
        let (name, table) = (failing.name(), &failing.table);
        untyped(&database, table).await;
        if failing.layout == Layout::ManyToMany {
            untyped(&database, &format!("{table}_items")).await;
        }
        store(&database, &failing, 1, &[Row::new(AT + 1, 1, "'1'"), Row::new(AT + 2, 2, "'2'")])
            .await;
        let keys = ["'soon', 3", "x'01', 4", "1.5, 5", "1700000000000001, 'x'"];
        for key in [&keys[..], &["NULL, 6", "1700000000000002, NULL", "NULL, NULL"]].concat() {
            let (columns, content) = match failing.layout {
                Layout::SingleTable => (", content", ", 'odd'"),
                Layout::ManyToMany => ("", ""),
            };
            let insert = format!(
                "INSERT INTO {table} (user_id, created_at_us, id{columns}) VALUES (1, \
                 {key}{content})"
            );
            database.run(&insert).await;
        }
        for handle in [&failing, &skipping] {
            let error = handle.streams.get_stream_items(1).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{name}: {error:?}");
            let message = error.message();
            assert!(message.contains(&format!("`{table}`")), "{name}: {message}");
            assert!(message.contains("user 1 "), "{name}: {message}");
        }
        if failing.layout == Layout::ManyToMany {
            // With NULL among the deliveries.
            let orphan = format!("INSERT INTO {table}_items VALUES ({AT}, 99, 'orphan')");
            database.run(&orphan).await;
            assert_eq!(failing.streams.purge().await.unwrap(), 1, "{name}");
        }
        assert_eq!(failing.streams.repair_stream(1).await.unwrap(), 7, "{name}");
        assert_eq!(failing.contents(1).await, ["2", "1"], "{name}");
    }
}

/// No row has a place then; nothing is deleted, since it is the table that is wrong.
async fn a_column_of_another_type_is_named(database: TestDatabase) {
    if database.backend() == DbBackend::Sqlite {
        return;
    }
    for [failing, skipping] in handles(&database.config()).await {
        let (name, table) = (failing.name(), &failing.table);
        store(&database, &failing, 1, &[Row::new(AT, 1, "'1'")]).await;
        let change = match database.backend() {
            DbBackend::Postgres => format!("ALTER TABLE {table} ALTER COLUMN id TYPE NUMERIC"),
            _ => format!("ALTER TABLE {table} MODIFY id DECIMAL(30) NOT NULL"),
        };
        database.run(&change).await;
        for handle in [&failing, &skipping] {
            let error = handle.streams.get_stream_items(1).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{name}: {error:?}");
            assert!(error.message().contains(&format!("`{table}`")), "{name}: {error}");
            let error = handle.streams.repair_stream(1).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{name}: {error:?}");
        }
        assert_eq!(failing.stored(&database, 1).await, 1, "{name}");
    }
}
