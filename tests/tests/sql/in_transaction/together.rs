//! What a transaction commits, or rolls back, with the application's own rows.

use futures_util::stream;
use sea_orm::{
    DatabaseTransaction, DbBackend, SqliteTransactionMode, TransactionOptions, TransactionTrait,
    sea_query::{Alias, Expr, ExprTrait, Query},
};
use user_streams_core::{ErrorKind, Recipients, Streams};
use user_streams_single_table::{SingleTableBackend, Users};

use super::{Application, Layout, orders, over, run};
use crate::database::{TestDatabase, connect};

crate::tests![
    an_order_and_its_items_commit_or_roll_back_together,
    a_user_inserted_in_the_transaction_receives,
    a_query_sees_what_the_transaction_has_written,
    a_broadcast_of_any_length_rolls_back_entirely,
    a_rollback_restores_a_deleted_stream,
    a_pool_of_one_connection_is_enough,
    the_application_may_hold_sqlite_s_write_lock,
];

async fn end(txn: DatabaseTransaction, commit: bool) {
    let ended = if commit { txn.commit().await } else { txn.rollback().await };
    ended.unwrap();
}

async fn an_order_and_its_items_commit_or_roll_back_together(database: TestDatabase) {
    let application = Application::new(&database).await;
    for (number, handle) in application.handles.iter().enumerate() {
        let name = handle.name();
        for (commit, id) in [(false, 10 * number), (true, 10 * number + 1)] {
            let before = orders(&database).await;
            let txn = application.begin().await;
            run(&txn, &format!("INSERT INTO orders VALUES ({id})")).await;
            let streams = handle.streams.in_transaction(&txn).unwrap();
            let content = "it's \"shipped\" \\ ☃";
            let one = streams.add_stream_item(1, content).await.unwrap();
            let many = streams.add_stream_item([2, 3, 2], "for several").await.unwrap();
            assert_eq!((one.delivered, many.delivered), (1, 2), "{name}");
            if database.backend() != DbBackend::Sqlite {
                assert_eq!(handle.contents(1).await, [""; 0], "{name}: before the commit");
            }
            end(txn, commit).await;
            let expected: &[&str] = if commit { &[content] } else { &[] };
            assert_eq!(handle.contents(1).await, expected, "{name}");
            assert_eq!(handle.contents(2).await.len(), usize::from(commit), "{name}");
            assert_eq!(orders(&database).await, before + i64::from(commit), "{name}");
            assert_eq!(handle.stored_total(&database).await, if commit { 3 } else { 0 }, "{name}");
        }
        let item = handle.items(1).await[0].clone();
        assert_eq!(handle.add(1, "after").await, 1, "{name}");
        assert_eq!(handle.items(1).await[1], item, "{name}");
    }
}

async fn a_user_inserted_in_the_transaction_receives(database: TestDatabase) {
    let application = Application::with_users(&database).await;
    for (number, handle) in application.handles.iter().enumerate() {
        let (name, user) = (handle.name(), 100 + number as i64);
        let txn = application.begin().await;
        run(&txn, &format!("INSERT INTO people VALUES ({user})")).await;
        let streams = handle.streams.in_transaction(&txn).unwrap();
        assert_eq!(streams.add_stream_item(user, "welcome").await.unwrap().delivered, 1, "{name}");
        assert_eq!(
            streams.add_stream_item([1, user], "to both").await.unwrap().delivered,
            2,
            "{name}"
        );
        txn.commit().await.unwrap();
        assert_eq!(handle.contents(user).await, ["to both", "welcome"], "{name}");
    }
}

fn people(from: i64) -> Users {
    let id = Expr::col(Alias::new("id"));
    let select =
        Query::select().expr(id.clone()).from(Alias::new("people")).and_where(id.gte(from)).take();
    Users::query(select)
}

async fn a_query_sees_what_the_transaction_has_written(database: TestDatabase) {
    let application = Application::new(&database).await;
    for handle in &application.handles {
        let name = handle.name();
        let txn = application.begin().await;
        run(&txn, "INSERT INTO people VALUES (50), (51)").await;
        let streams = handle.streams.in_transaction(&txn).unwrap();
        assert_eq!(
            streams.add_stream_item(people(3), "news").await.unwrap().delivered,
            3,
            "{name}"
        );
        txn.rollback().await.unwrap();
        assert_eq!(handle.stored_total(&database).await, 0, "{name}");

        let txn = application.begin().await;
        let streams = handle.streams.in_transaction(&txn).unwrap();
        assert_eq!(
            streams.add_stream_item(people(3), "news").await.unwrap().delivered,
            1,
            "{name}"
        );
        txn.commit().await.unwrap();
        assert_eq!(handle.contents(3).await, ["news"], "{name}");
        assert_eq!(handle.contents(51).await, [""; 0], "{name}");
    }
}

async fn a_broadcast_of_any_length_rolls_back_entirely(database: TestDatabase) {
    let application = Application::new(&database).await;
    for handle in &application.handles {
        let name = handle.name();
        for commit in [false, true] {
            let txn = application.begin().await;
            let streams = handle.streams.in_transaction(&txn).unwrap();
            let list: Vec<i64> = (1..=5_000).collect();
            assert_eq!(
                streams.add_stream_item(list, "list").await.unwrap().delivered,
                5_000,
                "{name}"
            );
            // More than one chunk.
            let users = Recipients::stream(stream::iter(1..=120_000_i64));
            let delivery = streams.add_stream_item(users, "stream").await.unwrap();
            assert_eq!(delivery.delivered, 120_000, "{name}");
            end(txn, commit).await;
            let stored = if commit { 125_000 } else { 0 };
            assert_eq!(handle.stored_total(&database).await, stored, "{name}");
        }
        assert_eq!(handle.contents(5_000).await, ["stream", "list"], "{name}");
    }
}

async fn a_rollback_restores_a_deleted_stream(database: TestDatabase) {
    let application = Application::new(&database).await;
    for handle in &application.handles {
        let name = handle.name();
        handle.add([1, 2], "first").await;
        handle.add(1, "second").await;
        for commit in [false, true] {
            let txn = application.begin().await;
            let deleted = handle.streams.in_transaction(&txn).unwrap().delete_stream(1).await;
            assert_eq!(deleted.unwrap(), 2, "{name}");
            end(txn, commit).await;
            assert_eq!(handle.items(1).await.len(), if commit { 0 } else { 2 }, "{name}");
            assert_eq!(handle.contents(2).await, ["first"], "{name}");
        }
    }
}

async fn a_pool_of_one_connection_is_enough(database: TestDatabase) {
    let pool = connect(&database.url, 1).await;
    for layout in [Layout::SingleTable, Layout::ManyToMany] {
        over(&pool, layout, database.config()).migrated().await;
        // It has not used the database yet.
        let fresh = over(&pool, layout, database.config());
        let txn = pool.begin().await.unwrap();
        let streams = fresh.streams.in_transaction(&txn).unwrap();
        assert_eq!(streams.add_stream_item([1, 2], "alone").await.unwrap().delivered, 2);
        let long =
            "x".repeat(if database.backend() == DbBackend::MySql { 400_000 } else { 1 << 20 });
        assert_eq!(streams.add_stream_item(1, long).await.unwrap().delivered, 1);
        txn.commit().await.unwrap();
        assert_eq!(fresh.contents(2).await, ["alone"]);
    }
}

async fn the_application_may_hold_sqlite_s_write_lock(database: TestDatabase) {
    if database.backend() != DbBackend::Sqlite {
        return;
    }
    let pool = connect(&database.url, 1).await;
    let config = database.config().with_operation_timeout(std::time::Duration::from_millis(300));
    let streams = Streams::from_backend(SingleTableBackend::connect(config).await.unwrap());
    streams.migrate().await.unwrap();
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    let txn = pool.begin_with_options(options).await.unwrap();
    let outside = streams.add_stream_item(1, "outside").await.map(drop).unwrap_err();
    assert_eq!(outside.kind(), ErrorKind::Conflict, "{outside:?}");
    let within = streams.in_transaction(&txn).unwrap();
    assert_eq!(within.add_stream_item([1, 2], "within").await.unwrap().delivered, 2);
    txn.commit().await.unwrap();
    assert_eq!(streams.get_stream_items(1).await.unwrap()[0].content, "within");
}
