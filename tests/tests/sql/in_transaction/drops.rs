//! Calls dropped in a transaction: the transaction continues, and each statement gets its own
//! answer.

use std::{future::poll_fn, pin::Pin, task::Poll};

use user_streams_core::NewItem;

use super::{Application, number, run};
use crate::database::TestDatabase;

crate::tests![
    after_a_drop_every_statement_gets_its_own_answer,
    after_a_drop_a_rollback_undoes_everything,
    a_dropped_retry_leaves_the_transaction_unchanged,
];

const ROUNDS: u32 = 120;

/// Polls so many times, and drops the future then if it has no output.
async fn polled<F: Future + Unpin>(mut future: F, mut polls: u32) -> Option<F::Output> {
    poll_fn(|context| match Pin::new(&mut future).poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if polls <= 1 => Poll::Ready(None),
        Poll::Pending => {
            polls -= 1;
            Poll::Pending
        }
    })
    .await
}

async fn after_a_drop_every_statement_gets_its_own_answer(database: TestDatabase) {
    let application = Application::new(&database).await;
    let mut marker = 1_000_000;
    for handle in &application.handles {
        let name = handle.name();
        let (mut dropped, mut whole) = (0, 0);
        for round in 0..ROUNDS {
            let txn = application.begin().await;
            // Unique to this round: if a number occurs again it is another statement's answer.
            marker += 10;
            run(&txn, &format!("INSERT INTO orders VALUES ({marker})")).await;
            let users: Vec<i64> = (1..=fastrand::i64(1..200)).collect();
            let (content, count) = (format!("of {marker}"), users.len() as i64);
            let streams = handle.streams.in_transaction(&txn).unwrap();
            let add = streams.add_stream_item(users, content.as_str());
            match polled(add.into_future(), fastrand::u32(1..16)).await {
                Some(added) => assert_eq!(added.unwrap().delivered, count as u64, "{name}"),
                None => dropped += 1,
            }
            // All are prepared statements, some of them new on this connection.
            for value in [marker, marker + 1, marker + 2] {
                let sql = format!("SELECT ? + {}", round % 7);
                assert_eq!(number(&txn, &sql, value).await, value + i64::from(round % 7), "{name}");
            }
            assert_eq!(
                number(&txn, "SELECT id FROM orders WHERE id = ?", marker).await,
                marker,
                "{name}"
            );
            txn.commit().await.unwrap_or_else(|error| panic!("{name}: {error}"));
            let stored = format!("SELECT COUNT(*) FROM orders WHERE id = {marker}");
            assert_eq!(database.number(&stored).await, 1, "{name}: the order of {marker}");
            let deliveries = if name.ends_with("single") {
                format!("SELECT COUNT(*) FROM {name} WHERE content = '{content}'")
            } else {
                format!(
                    "SELECT COUNT(*) FROM {name} JOIN {name}_items USING (id) WHERE content = \
                     '{content}'"
                )
            };
            let deliveries = database.number(&deliveries).await;
            assert!(deliveries == 0 || deliveries == count, "{name}: {deliveries} of {count}");
            whole += i64::from(deliveries > 0);
        }
        assert!(dropped > 10, "{name}: {dropped} dropped: too few");
        assert!(whole > 0, "{name}: none was stored");
    }
}

async fn after_a_drop_a_rollback_undoes_everything(database: TestDatabase) {
    let application = Application::new(&database).await;
    for handle in &application.handles {
        let name = handle.name();
        for _ in 0..ROUNDS / 4 {
            let txn = application.begin().await;
            run(&txn, "INSERT INTO orders VALUES (1)").await;
            let streams = handle.streams.in_transaction(&txn).unwrap();
            let add = streams.add_stream_item([1, 2, 3], "dropped");
            let _ = polled(add.into_future(), fastrand::u32(1..12)).await;
            txn.rollback().await.unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        assert_eq!(super::orders(&database).await, 0, "{name}");
        assert_eq!(handle.stored_total(&database).await, 0, "{name}");
        assert_eq!(handle.add([1, 2], "after").await, 2, "{name}");
    }
}

async fn a_dropped_retry_leaves_the_transaction_unchanged(database: TestDatabase) {
    let application = Application::new(&database).await;
    for handle in &application.handles {
        let (name, item) = (handle.name(), NewItem::new("there"));
        let users: Vec<i64> = (1..=50).collect();
        handle.add(&users, item.clone()).await;
        for round in 0..ROUNDS {
            let txn = application.begin().await;
            let streams = handle.streams.in_transaction(&txn).unwrap();
            let one = [7];
            let users = if round % 2 == 0 { &users[..] } else { &one[..] };
            let add = streams.add_stream_item(users, item.clone());
            let _ = polled(add.into_future(), fastrand::u32(1..16)).await;
            let value = i64::from(round);
            assert_eq!(number(&txn, "SELECT ? + 1", value).await, value + 1, "{name}");
            txn.commit().await.unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        assert_eq!(handle.stored_total(&database).await, 50, "{name}");
    }
}
