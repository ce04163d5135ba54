//! Removing an item from a query of users, from a stream of them, and parts of a stream.

use futures_util::{future::join_all, stream};
use sea_orm::{
    DbBackend,
    sea_query::{Alias, Expr, ExprTrait, Query},
};
use user_streams_core::{
    Cursor, Error, ErrorKind, IntoRecipients, NewItem, Recipients, Result, UserId, UserIdKind,
    backend::{DeleteRange, RemoveStreamItem},
};
use user_streams_single_table::Users;

use crate::{
    database::TestDatabase,
    faults::handles::{Handle, LAYOUTS, handles, own, own_in},
};

crate::tests![
    an_item_is_removed_from_a_query_without_reading_its_rows,
    a_query_on_another_database_names_from_whom_an_item_is_removed,
    a_query_for_names_removes_nothing_where_ids_are_numbers,
    a_query_for_numbers_removes_nothing_where_ids_are_others,
    ids_of_every_kind_are_found_by_a_query,
    a_query_that_fails_removes_nothing,
    a_removal_of_several_chunks_is_whole_or_not_at_all,
    removals_and_adds_of_the_same_users_do_not_deadlock,
    what_nobody_has_is_purged,
];

async fn remove(handle: &Handle, from: impl IntoRecipients, item: Cursor) -> Result<u64> {
    handle.backend().remove_stream_item(RemoveStreamItem::new(from, item)).await
}

/// People 1 to 100, and their ids again.
async fn people(database: &TestDatabase) {
    database.run("CREATE TABLE people (id BIGINT NOT NULL, name VARCHAR(20) NOT NULL)").await;
    let rows: Vec<_> = (1..=100).chain(1..=10).map(|id| format!("({id}, '{id} x')")).collect();
    database.run(&format!("INSERT INTO people VALUES {}", rows.join(", "))).await;
}

fn ids(up_to: i64) -> Users {
    let id = Expr::col(Alias::new("id"));
    let mut select = Query::select();
    select.expr(id.clone()).from(Alias::new("people")).and_where(id.lte(up_to));
    Users::query(select)
}

async fn an_item_is_removed_from_a_query_without_reading_its_rows(database: TestDatabase) {
    people(&database).await;
    for handle in handles(&database.config(), 2).await {
        let (name, item, other) = (handle.name(), NewItem::new("item"), NewItem::new("other"));
        for item in [&item, &other] {
            handle.add((1..=150).collect::<Vec<i64>>(), item.clone()).await;
        }
        assert_eq!(remove(&handle, ids(100), item.cursor()).await.unwrap(), 100, "{name}");
        assert_eq!(remove(&handle, ids(100), item.cursor()).await.unwrap(), 0, "{name}");
        assert_eq!(remove(&handle, ids(0), other.cursor()).await.unwrap(), 0, "{name}");
        assert_eq!(handle.contents(100).await, ["other"], "{name}");
        assert_eq!(handle.contents(101).await, ["other", "item"], "{name}");
    }
}

async fn a_query_on_another_database_names_from_whom_an_item_is_removed(database: TestDatabase) {
    people(&database).await;
    for handle in handles(&database.config(), 1).await {
        let item = NewItem::new("item");
        handle.add((1..=150).collect::<Vec<i64>>(), item.clone()).await;
        let users = ids(100).on(&database.connection);
        let removed = remove(&handle, users, item.cursor()).await.unwrap();
        assert_eq!(removed, 100, "{}", handle.name());
    }
}

/// On MySQL a number equals a text that begins with it.
async fn a_query_for_names_removes_nothing_where_ids_are_numbers(database: TestDatabase) {
    people(&database).await;
    for handle in handles(&database.config(), 2).await {
        let (name, item) = (handle.name(), NewItem::new("item"));
        handle.add([0, 1, 2], item.clone()).await;
        let names = Query::select()
            .column(Alias::new("name"))
            .from(Alias::new("people"))
            .and_where(Expr::col(Alias::new("id")).lte(50))
            .take();
        let removed = remove(&handle, Users::query(names), item.cursor()).await;
        assert_eq!(removed.as_ref().copied().unwrap_or(0), 0, "{name}: {removed:?}");
        assert_eq!(handle.stored_total(&database).await, 3, "{name}: {removed:?}");
    }
}

/// On MySQL 0 equals nearly every text and UUID.
async fn a_query_for_numbers_removes_nothing_where_ids_are_others(database: TestDatabase) {
    database.run("CREATE TABLE numbers (id BIGINT NOT NULL)").await;
    database.run("INSERT INTO numbers VALUES (0), (7)").await;
    for (kind, user) in [
        (UserIdKind::Uuid, UserId::Uuid(uuid::Uuid::from_u128(0x37 << 120))),
        (UserIdKind::Text, UserId::from("7 seas")),
    ] {
        for layout in LAYOUTS {
            let table = format!("{layout:?}_{kind}").to_lowercase();
            let config = database.config().with_user_id(kind).with_table(table);
            let handle = own_in(layout, config).await.migrated().await;
            let item = NewItem::new("item");
            handle.add(&user, item.clone()).await;
            let id = Expr::col(Alias::new("id"));
            let numbers = Query::select().expr(id).from(Alias::new("numbers")).take();
            let removed = remove(&handle, Users::query(numbers), item.cursor()).await;
            assert_eq!(handle.stored_total(&database).await, 1, "{}: {removed:?}", handle.name());
        }
    }
}

async fn ids_of_every_kind_are_found_by_a_query(database: TestDatabase) {
    let column = |kind| match (kind, database.backend()) {
        (UserIdKind::Uuid, DbBackend::Postgres) => {
            ("UUID", "'01020304-0506-0708-090a-0b0c0d0e0f10'")
        }
        (UserIdKind::Uuid, DbBackend::MySql) => {
            ("BINARY(16)", "X'0102030405060708090A0B0C0D0E0F10'")
        }
        (UserIdKind::Uuid, _) => ("BLOB", "X'0102030405060708090A0B0C0D0E0F10'"),
        (UserIdKind::Text, _) => ("VARCHAR(20)", "'zoë'"),
        _ => ("INTEGER", "7"),
    };
    for (kind, user) in [
        (UserIdKind::BigInt, UserId::Int(7)),
        (
            UserIdKind::Uuid,
            UserId::Uuid(uuid::Uuid::from_u128(0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10)),
        ),
        (UserIdKind::Text, UserId::from("zoë")),
    ] {
        let (column, value) = column(kind);
        database.run(&format!("CREATE TABLE of_{kind} (id {column})")).await;
        database.run(&format!("INSERT INTO of_{kind} VALUES ({value}), ({value}), (NULL)")).await;
        for layout in LAYOUTS {
            let table = format!("{layout:?}_{kind}").to_lowercase();
            let config = database.config().with_user_id(kind).with_table(table);
            let handle = own_in(layout, config).await.migrated().await;
            let item = NewItem::new("item");
            handle.add(&user, item.clone()).await;
            let id = Expr::col(Alias::new("id"));
            let query = Query::select().expr(id).from(Alias::new(format!("of_{kind}"))).take();
            let removed = remove(&handle, Users::query(query), item.cursor()).await;
            assert_eq!(removed.unwrap(), 1, "{}", handle.name());
        }
    }
}

async fn a_query_that_fails_removes_nothing(database: TestDatabase) {
    for handle in handles(&database.config(), 2).await {
        let item = NewItem::new("item");
        handle.add(1, item.clone()).await;
        let error = remove(&handle, ids(1), item.cursor()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Recipients, "{}: {error:?}", handle.name());
        assert!(error.to_string().contains(".on(&database)"), "{error}");
        assert_eq!(handle.stored_total(&database).await, 1, "{}", handle.name());
    }
}

async fn a_removal_of_several_chunks_is_whole_or_not_at_all(database: TestDatabase) {
    for handle in own(&database.config(), 2).await {
        let (name, item) = (handle.name(), NewItem::new("item"));
        handle.add(Recipients::iter(1..=150_000_i64), item.clone()).await;
        let failing = (1..=150_000_i64).map(|id| if id < 140_000 { Ok(id) } else { Err("gone") });
        let failing = Recipients::try_stream(stream::iter(failing));
        let error = remove(&handle, failing, item.cursor()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Recipients, "{name}: {error:?}");
        assert_eq!(handle.stored_total(&database).await, 150_000, "{name}");
        let all = Recipients::iter(2..=150_000_i64);
        assert_eq!(remove(&handle, all, item.cursor()).await.unwrap(), 149_999, "{name}");
        assert_eq!(handle.stored_total(&database).await, 1, "{name}");
    }
}

async fn removals_and_adds_of_the_same_users_do_not_deadlock(database: TestDatabase) {
    for handle in own(&database.config(), 8).await {
        let (name, handle) = (handle.name().to_owned(), &handle);
        let item = NewItem::new("item");
        let users: Vec<i64> = (1..=500).collect();
        for _ in 0..5 {
            let calls = (0..8).map(|call| {
                let (item, users) = (item.clone(), users.clone());
                async move {
                    let users =
                        if call % 2 == 0 { users } else { users.into_iter().rev().collect() };
                    match call % 4 {
                        0 | 1 => _ = remove(handle, users, item.cursor()).await?,
                        _ => _ = handle.streams.add_stream_item(users, item).await?,
                    }
                    Ok::<_, Error>(())
                }
            });
            for called in join_all(calls).await {
                called.unwrap_or_else(|error| panic!("{name}: {error:?}"));
            }
        }
    }
}

/// A removal takes the deliveries alone.
async fn what_nobody_has_is_purged(database: TestDatabase) {
    for handle in own(&database.config(), 2).await.into_iter().skip(1) {
        let (first, second) = (NewItem::new("first"), NewItem::new("second"));
        handle.add([1, 2], first.clone()).await;
        handle.add(1, second.clone()).await;
        let items = format!("SELECT COUNT(*) FROM {}_items", handle.table);
        assert_eq!(remove(&handle, 1, first.cursor()).await.unwrap(), 1);
        let range = DeleteRange::new(1.into()).newer_than(first.cursor());
        assert_eq!(handle.backend().delete_range(range).await.unwrap(), 1);
        assert_eq!(database.number(&items).await, 2);
        assert_eq!(handle.streams.purge().await.unwrap(), 1);
        assert_eq!(database.number(&items).await, 1);
    }
}
