//! Many items to many users: at once, again, where some are there, and where some may not be.

use futures_util::future::join_all;
use user_streams_core::{
    ErrorKind, NewItem, Result, UserId,
    backend::{BulkAdd, ListUsers},
};

use crate::{
    database::TestDatabase,
    faults::handles::{Handle, Layout, application, handles, own},
};

crate::tests![
    of_bulk_adds_at_once_each_row_counts_once,
    a_bulk_add_stores_what_is_missing_among_what_is_there,
    a_bulk_add_to_an_unknown_user_says_so,
    a_shared_item_is_stored_once,
    other_content_under_the_same_key_is_refused,
    contents_of_any_size_are_stored,
    a_list_of_users_is_not_stopped_by_a_long_stream,
];

async fn bulk(handle: &Handle, rows: Vec<(UserId, NewItem)>) -> Result<u64> {
    handle.backend().bulk_add(BulkAdd::new(rows)?).await
}

/// Items to users, each item to each of `each` users.
fn rows(items: usize, each: i64) -> Vec<(UserId, NewItem)> {
    let items: Vec<_> = (0..items).map(|n| NewItem::new(format!("item {n}"))).collect();
    items.iter().flat_map(|item| (0..each).map(|user| (user.into(), item.clone()))).collect()
}

async fn of_bulk_adds_at_once_each_row_counts_once(database: TestDatabase) {
    for handle in own(&database.config(), 8).await {
        let rows = rows(300, 10);
        let calls = (0..6).map(|call| {
            let mut rows = rows.clone();
            if call % 2 == 0 {
                rows.reverse();
            }
            bulk(&handle, rows)
        });
        let mut added = 0;
        for call in join_all(calls).await {
            added += call.unwrap_or_else(|error| panic!("{}: {error:?}", handle.name()));
        }
        assert_eq!(added, 3_000, "{}", handle.name());
        assert_eq!(handle.stored_total(&database).await, 3_000, "{}", handle.name());
    }
}

/// More than one part, and more rows than are inserted without COPY.
async fn a_bulk_add_stores_what_is_missing_among_what_is_there(database: TestDatabase) {
    for handle in handles(&database.config(), 2).await {
        let name = handle.name();
        let rows = rows(1_500, 10);
        let some: Vec<_> = rows.iter().step_by(7).cloned().collect();
        let (count, there) = (rows.len() as u64, some.len() as u64);
        assert_eq!(bulk(&handle, some).await.unwrap(), there, "{name}");
        assert_eq!(bulk(&handle, rows.clone()).await.unwrap(), count - there, "{name}");
        assert_eq!(bulk(&handle, rows).await.unwrap(), 0, "{name}");
        assert_eq!(handle.stored_total(&database).await as u64, count, "{name}");
    }
}

async fn a_bulk_add_to_an_unknown_user_says_so(database: TestDatabase) {
    database.run("CREATE TABLE people (id BIGINT NOT NULL PRIMARY KEY)").await;
    let ids: Vec<_> = (0..10).map(|id| format!("({id})")).collect();
    database.run(&format!("INSERT INTO people VALUES {}", ids.join(", "))).await;
    for handle in handles(&database.config().with_users("people.id"), 2).await {
        let name = handle.name();
        let mut rows = rows(30, 10);
        assert_eq!(bulk(&handle, rows[..60].to_vec()).await.unwrap(), 60, "{name}");
        assert_eq!(bulk(&handle, rows[..100].to_vec()).await.unwrap(), 40, "{name}");
        rows.push((UserId::from(77), NewItem::new("to nobody")));
        let error = bulk(&handle, rows).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidUserId, "{name}: {error:?}");
        assert_eq!(handle.stored_total(&database).await, 100, "{name}");
    }
}

async fn a_shared_item_is_stored_once(database: TestDatabase) {
    for handle in handles(&database.config(), 2).await {
        if handle.layout == Layout::ManyToMany {
            bulk(&handle, rows(3, 5_000)).await.unwrap();
            let items = format!("SELECT COUNT(*) FROM {}_items", handle.table);
            assert_eq!(database.number(&items).await, 3, "{}", handle.name());
            assert_eq!(handle.streams.purge().await.unwrap(), 0, "{}", handle.name());
        }
    }
}

async fn other_content_under_the_same_key_is_refused(database: TestDatabase) {
    for handle in handles(&database.config(), 2).await {
        if handle.layout == Layout::SingleTable {
            continue;
        }
        let name = handle.name();
        let item = NewItem::new("first");
        let other = NewItem::new("first ").with_id(item.id()).with_created_at(&item.created_at());
        let both = vec![(1.into(), item.clone()), (2.into(), other.clone())];
        let within = bulk(&handle, both).await.unwrap_err();
        handle.add(1, item).await;
        let before = bulk(&handle, vec![(2.into(), other)]).await.unwrap_err();
        for error in [within, before] {
            assert_eq!(error.kind(), ErrorKind::Conflict, "{name}: {error:?}");
            assert!(!error.is_retryable(), "{name}: {error:?}");
        }
        assert_eq!(handle.stored_total(&database).await, 1, "{name}");
    }
}

async fn contents_of_any_size_are_stored(database: TestDatabase) {
    for handle in handles(&database.config(), 2).await {
        let contents = ["x".repeat(3 << 20), "\u{1}\"\\☃".repeat(200_000), String::new()];
        let rows: Vec<_> =
            contents.iter().map(|content| (1.into(), NewItem::new(content.as_str()))).collect();
        assert_eq!(bulk(&handle, rows).await.unwrap(), 3, "{}", handle.name());
        let mut stored = handle.contents(1).await;
        stored.reverse();
        assert!(stored == contents, "{}: not the same contents", handle.name());
    }
}

/// On MySQL a call reads a limited part of the index.
async fn a_list_of_users_is_not_stopped_by_a_long_stream(database: TestDatabase) {
    for handle in application(&database.config(), 2).await {
        let long: Vec<_> =
            (0..3_000).map(|n| (5.into(), NewItem::new(format!("item {n}")))).collect();
        bulk(&handle, long).await.unwrap();
        handle.add((1..=20).collect::<Vec<i64>>(), "to all").await;
        let (mut users, mut query, mut calls) = (Vec::new(), ListUsers::new(6), 0);
        loop {
            let page = handle.backend().list_users(query).await.unwrap();
            assert!(page.users.len() <= 6, "{}", handle.name());
            users.extend(page.users);
            calls += 1;
            let Some(next) = page.next else { break };
            query = ListUsers::new(6).after(next);
        }
        assert_eq!(users, (1..=20).map(UserId::Int).collect::<Vec<_>>(), "{}", handle.name());
        assert!(calls <= 5, "{}: {calls} calls", handle.name());
    }
}
