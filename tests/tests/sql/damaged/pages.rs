//! Reading a stream that has damaged rows.

use futures_util::TryStreamExt;
use user_streams_core::{ErrorKind, OnCorrupt, StreamItem, Streams};
use user_streams_many_to_many::ManyToManyBackend;
use user_streams_single_table::SingleTableBackend;

use super::{
    rows::{AT, Row, handles, readable, store, store_mixed},
    warnings,
};
use crate::{
    database::TestDatabase,
    faults::handles::{Handle, Layout},
};

crate::tests![
    a_page_with_a_damaged_row_names_it,
    pages_without_a_damaged_row_are_read,
    damaged_rows_are_passed_over_from_every_position,
    a_delivery_without_its_item_does_not_end_a_stream,
    a_warning_names_each_row_that_is_passed_over,
    any_number_of_damaged_rows_takes_few_statements,
    a_stream_of_damaged_rows_alone_is_empty,
];

fn contents(items: &[StreamItem]) -> Vec<String> {
    items.iter().map(|item| item.content.clone()).collect()
}

async fn a_page_with_a_damaged_row_names_it(database: TestDatabase) {
    for [failing, _] in handles(&database.config()).await {
        let (name, table) = (failing.name(), &failing.table);
        let mut damaged = vec![(1, Row::new(AT, 0, "'x'")), (2, Row::new(1 << 60, 5, "'x'"))];
        damaged.push((3, Row::new(-(1 << 60), 5, "'x'")));
        if let Some(content) = super::rows::not_utf8(&database) {
            damaged.push((4, Row::new(AT, 44, content)));
        }
        if failing.layout == Layout::ManyToMany {
            damaged.push((5, Row::without_item(AT, 55)));
        }
        for (user, row) in damaged {
            let place = format!("(created_at_us {}, id {})", row.at, row.id);
            store(&database, &failing, user, &[row, Row::new(AT + 1, 1, "'readable'")]).await;
            let error = failing.streams.get_stream_items(user).slice(..20).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{name}: {error:?}");
            assert!(!error.is_retryable(), "{name}: {error:?}");
            let message = error.to_string();
            for expected in [&place, &format!("`{table}`"), &format!("of user {user} ")] {
                assert!(message.contains(expected), "{name}: {expected} in {message}");
            }
            // What is stored is counted.
            let count = failing.streams.get_stream_items(user).count().await.unwrap();
            assert_eq!(count, 2, "{name}");
        }
    }
}

async fn pages_without_a_damaged_row_are_read(database: TestDatabase) {
    for [failing, _] in handles(&database.config()).await {
        let rows: Vec<_> = (1..=10).map(|n| Row::new(AT + n, n, format!("'{n}'"))).collect();
        store(&database, &failing, 1, &rows).await;
        store(&database, &failing, 1, &[Row::new(AT + 5, 0, "'damaged'")]).await;
        let items = failing.streams.get_stream_items(1);
        assert_eq!(contents(&items.slice(..6).await.unwrap()), ["10", "9", "8", "7", "6", "5"]);
        assert_eq!(contents(&items.slice(7..).await.unwrap()), ["4", "3", "2", "1"]);
        assert!(items.slice(..7).await.is_err());
    }
}

/// All items by pages of this size, from the newest on and back again.
async fn walk(handle: &Handle, user: i64, size: usize) -> [Vec<String>; 2] {
    let items = handle.streams.get_stream_items(user);
    let mut page = items.cursor_page(size).await.unwrap();
    let mut there = contents(&page.items);
    while let Some(next) = page.next {
        page = items.cursor_page(size).after(next).await.unwrap();
        there.extend(contents(&page.items));
    }
    let mut back = contents(&page.items);
    while let Some(previous) = page.previous {
        page = items.cursor_page(size).before(previous).await.unwrap();
        back.splice(..0, contents(&page.items));
    }
    [there, back]
}

async fn damaged_rows_are_passed_over_from_every_position(database: TestDatabase) {
    for [_, skipping] in handles(&database.config()).await {
        let name = skipping.name();
        let damaged = store_mixed(&database, &skipping, 1).await;
        let items = skipping.streams.get_stream_items(1);
        let all = readable();
        assert_eq!(items.count().await.unwrap() as u64, 700 + damaged, "{name}");
        // The chunks of a stream.
        let stream: Vec<StreamItem> = items.stream().try_collect().await.unwrap();
        assert_eq!(contents(&stream), all, "{name}");
        assert_eq!(contents(&items.slice(..20).await.unwrap()), all[..20], "{name}");
        assert_eq!(contents(&items.slice(..=699).await.unwrap()), all, "{name}");
        for size in [7, 50, 256, 700, 1_000] {
            let [there, back] = walk(&skipping, 1, size).await;
            assert_eq!(there, all, "{name}: pages of {size}");
            assert_eq!(back, all, "{name}: back by pages of {size}");
        }
    }
}

async fn a_delivery_without_its_item_does_not_end_a_stream(database: TestDatabase) {
    for [failing, skipping] in handles(&database.config()).await {
        if failing.layout != Layout::ManyToMany {
            continue;
        }
        let rows = (1..=1_000).map(|n| Row::new(AT + n, n, format!("'{n}'"))).collect::<Vec<_>>();
        store(&database, &failing, 1, &rows).await;
        let deleted = format!("DELETE FROM {}_items WHERE id = 900", failing.table);
        assert_eq!(super::rows::execute(&database, &deleted).await, 1);
        let items = skipping.streams.get_stream_items(1);
        let stream: Vec<StreamItem> = items.stream().try_collect().await.unwrap();
        assert_eq!(stream.len(), 999, "{}", skipping.name());
        let read = failing.streams.get_stream_items(1).stream().try_collect::<Vec<_>>().await;
        let error = read.unwrap_err();
        assert!(error.message().contains(&format!("`{}_items`", failing.table)), "{error}");
    }
}

async fn a_warning_names_each_row_that_is_passed_over(database: TestDatabase) {
    for [_, skipping] in handles(&database.config()).await {
        let user = fastrand::i64(1..);
        let damaged = [Row::new(AT + 2, 0, "'x'"), Row::new(1 << 60, 5, "'x'")];
        store(&database, &skipping, user, &damaged).await;
        store(&database, &skipping, user, &[Row::new(AT + 1, 1, "'readable'")]).await;
        assert_eq!(skipping.contents(user).await, ["readable"]);
        let name = skipping.name();
        let warnings = warnings::seen(&format!("of user {user} "));
        assert_eq!(warnings.len(), 2, "{name}: {warnings:?}");
        for row in damaged {
            let place = format!("(created_at_us {}, id {}) of the table `{name}`", row.at, row.id);
            let is_there = |line: &&String| line.contains("WARN") && line.contains(&place);
            assert_eq!(warnings.iter().filter(is_there).count(), 1, "{place}: {warnings:?}");
        }
    }
}

async fn any_number_of_damaged_rows_takes_few_statements(database: TestDatabase) {
    let config = database.config().with_on_corrupt(OnCorrupt::Skip);
    let (single_pool, single_log) = database.watched().await;
    let (many_pool, many_log) = database.watched().await;
    let single = SingleTableBackend::new(single_pool, config.clone().with_table("few")).unwrap();
    let many = ManyToManyBackend::new(many_pool, config.with_table("few_many")).unwrap();
    let handles = [
        (Streams::from_backend(single), Layout::SingleTable, "few", single_log),
        (Streams::from_backend(many), Layout::ManyToMany, "few_many", many_log),
    ];
    for (streams, layout, table, log) in handles {
        streams.migrate().await.unwrap();
        let handle = Handle { streams, layout, table: table.to_owned() };
        let damaged: Vec<_> = (0..5_000).map(|n| Row::new(AT + 1_000, -n, "'damaged'")).collect();
        store(&database, &handle, 1, &damaged).await;
        store(&database, &handle, 1, &[Row::new(AT, 1, "'1'"), Row::new(AT + 9_999, 2, "'2'")])
            .await;
        let items = handle.streams.get_stream_items(1);
        // Statements that a backend runs once per server.
        assert_eq!(items.slice(..1).await.unwrap().len(), 1);
        log.take();
        assert_eq!(contents(&items.slice(..2).await.unwrap()), ["2", "1"]);
        let statements = log.take().len();
        assert!((20..=40).contains(&statements), "{table}: {statements} statements");
        assert_eq!(contents(&items.slice(..1).await.unwrap()), ["2"]);
        assert_eq!(log.take().len(), 1, "{table}: a page without a damaged row");
    }
}

async fn a_stream_of_damaged_rows_alone_is_empty(database: TestDatabase) {
    for [_, skipping] in handles(&database.config()).await {
        let damaged: Vec<_> = (0..600).map(|n| Row::new(AT, -n, "'damaged'")).collect();
        store(&database, &skipping, 1, &damaged).await;
        let items = skipping.streams.get_stream_items(1);
        assert_eq!(items.slice(..256).await.unwrap(), []);
        assert!(items.is_empty().await.unwrap(), "{}", skipping.name());
    }
}
