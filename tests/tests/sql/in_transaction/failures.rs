//! A failure in a transaction undoes nothing of the application's, and the transaction continues.

use std::time::Duration;

use sea_orm::{DatabaseTransaction, DbBackend, TransactionTrait};
use tokio::time::sleep;
use user_streams_core::{ErrorKind, MemoryBackend, NewItem, Streams};

use super::{Application, orders, run};
use crate::{
    database::{KINDS, TestDatabase, connect},
    faults::{
        blocker::Blocker,
        handles::{handles, own},
    },
};

crate::tests![
    an_existing_item_is_not_delivered_twice,
    an_unknown_recipient_is_refused,
    another_item_of_the_same_id_is_refused,
    bad_input_is_refused,
    a_stream_of_recipients_that_fails_stores_nothing,
    other_databases_are_refused_before_anything_is_written,
    other_kinds_of_database_are_refused,
    backends_without_sql_are_refused,
    a_transaction_that_is_over_is_refused,
    a_timeout_says_to_roll_back,
    a_concurrent_writer_is_waited_for,
];

/// The application continues after our call: its orders are stored, whatever happened to the item.
async fn continues(database: &TestDatabase, txn: DatabaseTransaction, order: i64, name: &str) {
    let before = orders(database).await;
    run(&txn, &format!("INSERT INTO orders VALUES ({order})")).await;
    txn.commit().await.unwrap_or_else(|error| panic!("{name}: {error}"));
    // The order before our call, and this one.
    assert_eq!(orders(database).await, before + 2, "{name}");
}

async fn begin(application: &Application, order: i64) -> DatabaseTransaction {
    let txn = application.begin().await;
    run(&txn, &format!("INSERT INTO orders VALUES ({order})")).await;
    txn
}

async fn an_existing_item_is_not_delivered_twice(database: TestDatabase) {
    let application = Application::new(&database).await;
    for (number, handle) in application.handles.iter().enumerate() {
        let (name, item, order) = (handle.name(), NewItem::new("once"), 2 * number as i64);
        handle.add([1, 2], item.clone()).await;
        let txn = begin(&application, order).await;
        let streams = handle.streams.in_transaction(&txn).unwrap();
        for _ in 0..2 {
            assert_eq!(
                streams.add_stream_item(1, item.clone()).await.unwrap().delivered,
                0,
                "{name}"
            );
            let some = streams.add_stream_item([1, 2], item.clone()).await.unwrap();
            assert_eq!(some.delivered, 0, "{name}");
        }
        let some = streams.add_stream_item([1, 2, 3], item.clone()).await.unwrap();
        assert_eq!(some.delivered, 1, "{name}");
        continues(&database, txn, order + 1, name).await;
        for user in 1..=3 {
            assert_eq!(handle.contents(user).await, ["once"], "{name}: {user}");
        }
    }
}

async fn an_unknown_recipient_is_refused(database: TestDatabase) {
    let application = Application::with_users(&database).await;
    for (number, handle) in application.handles.iter().enumerate() {
        let (name, order) = (handle.name(), 2 * number as i64);
        let txn = begin(&application, order).await;
        let streams = handle.streams.in_transaction(&txn).unwrap();
        assert_eq!(streams.add_stream_item(1, "before").await.unwrap().delivered, 1, "{name}");
        let one = streams.add_stream_item(9, "to nobody").await.map(drop).unwrap_err();
        let many = streams.add_stream_item([1, 9], "to nobody").await.map(drop).unwrap_err();
        for error in [one, many] {
            assert_eq!(error.kind(), ErrorKind::InvalidUserId, "{name}: {error:?}");
        }
        assert_eq!(streams.add_stream_item(2, "after").await.unwrap().delivered, 1, "{name}");
        continues(&database, txn, order + 1, name).await;
        assert_eq!(handle.contents(1).await, ["before"], "{name}");
        assert_eq!(handle.stored_total(&database).await, 2, "{name}");
        let items = format!("{}_items", handle.table);
        if database.tables().await.contains(&items) {
            assert_eq!(
                database.number(&format!("SELECT COUNT(*) FROM {items}")).await,
                2,
                "{name}"
            );
        }
    }
}

async fn another_item_of_the_same_id_is_refused(database: TestDatabase) {
    let application = Application::new(&database).await;
    for (number, handle) in application.handles.iter().enumerate() {
        let (name, order) = (handle.name(), 2 * number as i64);
        if !name.ends_with("many") {
            continue;
        }
        let item = NewItem::new("first");
        handle.add(1, item.clone()).await;
        let other = NewItem::new("first ").with_id(item.id()).with_created_at(&item.created_at());
        let txn = begin(&application, order).await;
        let streams = handle.streams.in_transaction(&txn).unwrap();
        let error = streams.add_stream_item([2, 3], other).await.map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{name}: {error:?}");
        assert!(!error.is_retryable(), "{name}: {error:?}");
        continues(&database, txn, order + 1, name).await;
        assert_eq!(handle.stored_total(&database).await, 1, "{name}");
    }
}

async fn bad_input_is_refused(database: TestDatabase) {
    let application = Application::new(&database).await;
    for (number, handle) in application.handles.iter().enumerate() {
        let (name, order) = (handle.name(), 2 * number as i64);
        let txn = begin(&application, order).await;
        let streams = handle.streams.in_transaction(&txn).unwrap();
        let content = streams.add_stream_item(1, "NUL \0").await.map(drop).unwrap_err();
        assert_eq!(content.kind(), ErrorKind::InvalidContent, "{name}: {content:?}");
        let user = streams.add_stream_item("ann", "hi").await.map(drop).unwrap_err();
        assert_eq!(user.kind(), ErrorKind::InvalidUserId, "{name}: {user:?}");
        let nobody = streams.add_stream_item(Vec::<i64>::new(), "to nobody").await.unwrap();
        assert_eq!(nobody.delivered, 0, "{name}");
        continues(&database, txn, order + 1, name).await;
    }
}

async fn a_stream_of_recipients_that_fails_stores_nothing(database: TestDatabase) {
    let application = Application::new(&database).await;
    for (number, handle) in application.handles.iter().enumerate() {
        let (name, order) = (handle.name(), 2 * number as i64);
        let users =
            (1..=150_000_i64).map(|user| if user < 140_000 { Ok(user) } else { Err("gone") });
        let users = user_streams_core::Recipients::try_stream(futures_util::stream::iter(users));
        let txn = begin(&application, order).await;
        let streams = handle.streams.in_transaction(&txn).unwrap();
        let error = streams.add_stream_item(users, "to many").await.map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Recipients, "{name}: {error:?}");
        continues(&database, txn, order + 1, name).await;
        assert_eq!(handle.stored_total(&database).await, 0, "{name}");
    }
}

async fn other_databases_are_refused_before_anything_is_written(database: TestDatabase) {
    let application = Application::new(&database).await;
    let kind = KINDS.iter().find(|kind| database.kind == kind.name).unwrap();
    for migrated in [true, false] {
        let other = TestDatabase::create(kind).await;
        super::tables(&other).await;
        if migrated {
            own(&other.config(), 1).await;
        }
        let pool = connect(&other.url, 1).await;
        for handle in application.handles.iter().filter(|handle| handle.name().starts_with("own")) {
            let name = handle.name();
            let txn = pool.begin().await.unwrap();
            run(&txn, "INSERT INTO people VALUES (9)").await;
            let streams = handle.streams.in_transaction(&txn).unwrap();
            let add = streams.add_stream_item(1, "elsewhere").await.map(drop).unwrap_err();
            let delete = streams.delete_stream(1).await.unwrap_err();
            for error in [add, delete] {
                assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{name}: {error:?}");
                assert!(error.to_string().contains("another database"), "{name}: {error}");
            }
            txn.commit().await.unwrap();
            assert_eq!(other.number("SELECT COUNT(*) FROM people WHERE id = 9").await, 1, "{name}");
            other.run("DELETE FROM people WHERE id = 9").await;
            assert_eq!(handle.stored_total(&database).await, 0, "{name}");
            if migrated {
                assert_eq!(handle.stored_total(&other).await, 0, "{name}");
            }
        }
    }
}

async fn other_kinds_of_database_are_refused(database: TestDatabase) {
    if database.backend() == DbBackend::Sqlite {
        return;
    }
    let application = Application::new(&database).await;
    let pool = connect("sqlite::memory:", 1).await;
    let txn = pool.begin().await.unwrap();
    for handle in &application.handles {
        let error = handle.streams.in_transaction(&txn).map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error:?}");
        let error = handle.streams.in_transaction(&pool).map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "a pool: {error:?}");
    }
}

async fn backends_without_sql_are_refused(database: TestDatabase) {
    let txn = database.connection.begin().await.unwrap();
    let streams = Streams::from_backend(MemoryBackend::default());
    let error = streams.in_transaction(&txn).map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:?}");
}

async fn a_transaction_that_is_over_is_refused(database: TestDatabase) {
    // The others do not commit implicitly.
    if database.backend() != DbBackend::MySql {
        return;
    }
    let application = Application::new(&database).await;
    for (number, handle) in application.handles.iter().enumerate() {
        let name = handle.name();
        let txn = application.begin().await;
        run(&txn, &format!("CREATE TABLE commits_{number} (id INT)")).await;
        let streams = handle.streams.in_transaction(&txn).unwrap();
        for users in [vec![1], vec![1, 2]] {
            let error = streams.add_stream_item(users, "alone").await.map(drop).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{name}: {error:?}");
            assert!(error.message().contains("is over"), "{name}: {error}");
        }
        let _ = txn.rollback().await;
        assert_eq!(handle.stored_total(&database).await, 0, "{name}");
    }
}

async fn a_timeout_says_to_roll_back(database: TestDatabase) {
    if database.backend() == DbBackend::Sqlite {
        return;
    }
    let application = Application::new(&database).await;
    let config = database.config().with_operation_timeout(Duration::from_millis(700));
    for handle in handles(&config, 4).await {
        let (name, item) = (handle.name(), NewItem::new("waits"));
        let blocker = Blocker::of_deliveries(&database, &handle, &[1], &item).await;
        let txn = application.begin().await;
        let streams = handle.streams.in_transaction(&txn).unwrap();
        let error = streams.add_stream_item([1, 2], item).await.map(drop).unwrap_err();
        assert_eq!(
            (error.kind(), error.is_retryable()),
            (ErrorKind::Timeout, false),
            "{name}: {error:?}"
        );
        assert!(error.message().contains("roll that back"), "{name}: {error}");
        blocker.release().await;
        txn.rollback().await.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(handle.stored_total(&database).await, 0, "{name}");
    }
}

async fn a_concurrent_writer_is_waited_for(database: TestDatabase) {
    if database.backend() != DbBackend::Sqlite {
        return;
    }
    let application = Application::new(&database).await;
    for (number, handle) in application.handles.iter().enumerate() {
        let (name, order) = (handle.name(), 2 * number as i64);
        let other = connect(&database.url, 1).await;
        run(&other, "BEGIN IMMEDIATE").await;
        let txn = application.begin().await;
        let streams = handle.streams.in_transaction(&txn).unwrap();
        let ends = async {
            sleep(Duration::from_millis(300)).await;
            run(&other, &format!("INSERT INTO orders VALUES ({order})")).await;
            run(&other, "COMMIT").await;
        };
        let (added, ()) =
            tokio::join!(streams.add_stream_item([1, 2], "after").into_future(), ends);
        assert_eq!(added.unwrap().delivered, 2, "{name}");
        run(&txn, &format!("INSERT INTO orders VALUES ({})", order + 1)).await;
        txn.commit().await.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(orders(&database).await, order + 2, "{name}");
        assert_eq!(handle.contents(2).await, ["after"], "{name}");
    }
}
