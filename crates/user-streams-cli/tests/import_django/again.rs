//! Run again, whatever has happened meanwhile, nothing is stored twice.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::{
    command::{command, import},
    expected::{answers, of_tables},
    source::{DATABASES, Kind, Source},
    target::Target,
    tests,
};

tests![
    what_has_come_is_added: DATABASES,
    another_order_of_equal_dates_adds_nothing: &[Kind::Postgres],
    what_the_settings_hide_is_not_added_again: &[Kind::Postgres],
    a_killed_import_is_completed: &[Kind::Sqlite],
];

const ITEMS: &str = "user_streams_single_table_backend_streamitem";

async fn what_has_come_is_added(source: Source) {
    let target = &Target::all(&source, "single-table")[1];
    let arguments = [&source.url, "--layout", "single-table", "--zone", "Europe/Berlin"];
    import(target, &arguments).said("5 users, 100 items, 100 added");
    // At the same date as others.
    source
        .run(&format!(
            "INSERT INTO {ITEMS} (id, user_id, content, created_at) \
             SELECT 1000 + id, user_id, 'later', created_at FROM {ITEMS} WHERE id IN (1, 12)"
        ))
        .await;
    import(target, &arguments).said("5 users, 102 items, 2 added");
    import(target, &arguments).said("5 users, 102 items, 0 added");
}

/// Rows that are written again are at another place, and PostgreSQL sorts them in another way.
async fn another_order_of_equal_dates_adds_nothing(source: Source) {
    for layout in ["single-table", "many-to-many"] {
        let arguments = [&source.url, "--layout", layout];
        let [target, other] = ["ours", "other"].map(|table| {
            let table = format!("{table}_{layout}").replace('-', "_");
            Target::file(layout, source.directory.path(), &table)
        });
        import(&target, &arguments).said("5 users, 100 items, 100 added");
        let table = format!("user_streams_{}_backend_streamitem", layout.replace('-', "_"));
        let deliveries = if layout == "many-to-many" { "_users" } else { "" };
        source.run(&format!("UPDATE {table} SET content = content WHERE id % 3 = 0")).await;
        source.run(&format!("UPDATE {table}{deliveries} SET id = id WHERE id % 7 < 4")).await;
        import(&target, &arguments).said("5 users, 100 items, 0 added");
        assert_eq!(answers(&target).await, of_tables("postgres", layout));
        import(&other, &arguments).said("5 users, 100 items, 100 added");
        let expected = of_tables("postgres", layout);
        assert_ne!(answers(&other).await, expected, "the order has not changed");
    }
}

async fn what_the_settings_hide_is_not_added_again(source: Source) {
    let target = Target::file("single-table", source.directory.path(), "ours");
    let arguments =
        [&source.url, "--layout", "single-table", "--max-len", "1", "--max-age", "3600"];
    import(&target, &arguments).said("5 users, 100 items, 100 added");
    source.run(&format!("UPDATE {ITEMS} SET content = content WHERE id % 3 = 0")).await;
    import(&target, &arguments).said("5 users, 100 items, 0 added");
}

async fn a_killed_import_is_completed(source: Source) {
    const ROWS: u64 = 60_000;
    source
        .run(&format!(
            "PRAGMA foreign_keys = OFF; DELETE FROM {ITEMS}; \
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS}) \
             INSERT INTO {ITEMS} SELECT i, i % 50, 'item ' || i, datetime(i / 100, 'unixepoch') \
             FROM n"
        ))
        .await;
    let target = Target::file("single-table", source.directory.path(), "ours");
    let arguments = [&source.url, "--layout", "single-table", "--zone", "UTC"];
    target.streams().await.migrate().await.unwrap();
    let mut child = command(&target, &arguments).spawn().unwrap();
    let began = Instant::now();
    // The first of many parts is stored.
    while target.rows("ours").await == 0 {
        assert!(began.elapsed() < Duration::from_secs(60), "nothing is stored");
        thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success(), "it had ended before it was killed");
    let stored_before = target.rows("ours").await;
    assert!(stored_before < ROWS, "{stored_before} stored");
    let added = ROWS - stored_before;
    import(&target, &arguments).said(&format!("50 users, {ROWS} items, {added} added"));
    assert_eq!(target.rows("ours").await, ROWS);
}
