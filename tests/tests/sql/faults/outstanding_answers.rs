//! Outstanding answers of calls that have ended: no later statement gets them.

use futures_util::future::join_all;
use sea_orm::DbBackend;
use tokio::time::sleep;
use user_streams_core::{ErrorKind, NewItem};

use super::{
    blocker::Blocker,
    eventually,
    handles::{self, Handle},
    seconds, within,
};
use crate::database::TestDatabase;

crate::tests![
    after_a_timeout_every_statement_gets_its_own_answer,
    after_a_timeout_in_one_of_two_chunks_every_statement_gets_its_own_answer,
];

/// Enough for COPY on PostgreSQL.
const MANY: i64 = 3_000;

/// An add that waits for a lock until it times out, and whose answer comes afterwards.
async fn add_answered_late(
    database: &TestDatabase,
    handle: &Handle,
    users: i64,
    held: i64,
    limit: f64,
) {
    let name = handle.name();
    for user in -8..0 {
        assert_eq!(handle.add(user, format!("of {user}")).await, 1, "{name}");
    }
    let item = NewItem::new("late");
    let blocker = Blocker::of_deliveries(database, handle, &[held], &item).await;
    let add = handle.streams.add_stream_item((1..=users).collect::<Vec<_>>(), item.clone());
    let release = async {
        sleep(seconds(limit + 0.7)).await;
        blocker.release().await;
    };
    let (added, ()) =
        within(limit * 2.0 + 5.0, name, async { tokio::join!(add.into_future(), release) }).await;
    if let Err(error) = added {
        assert_eq!(error.kind(), ErrorKind::Timeout, "{name}: {error:?}");
    }
    for round in 1..4 {
        for user in -8..0 {
            let expected = vec![format!("of {user}"); round];
            assert_eq!(handle.contents(user).await, expected, "{name}: the page of {user}");
            assert_eq!(handle.add(user, format!("of {user}")).await, 1, "{name}");
            let stored = handle.stored(database, user).await;
            assert_eq!(stored, round as i64 + 1, "{name}: what an add of {user} has stored");
        }
    }
    let deliveries = format!(
        "SELECT COUNT(*) FROM {} WHERE created_at_us = {} AND id = {}",
        handle.table,
        item.created_at_us(),
        item.id().get()
    );
    eventually(5.0, format!("{name}: whole or not at all"), async || {
        [0, users].contains(&database.number(&deliveries).await)
    })
    .await;
}

async fn after_a_timeout_every_statement_gets_its_own_answer(database: TestDatabase) {
    if database.backend() == DbBackend::Sqlite {
        return;
    }
    let config = database.config().with_operation_timeout(seconds(1.0));
    let handles = handles::handles(&config, 2).await;
    join_all(
        handles.iter().map(|handle| add_answered_late(&database, handle, MANY, MANY - 5, 1.0)),
    )
    .await;
}

async fn after_a_timeout_in_one_of_two_chunks_every_statement_gets_its_own_answer(
    database: TestDatabase,
) {
    // The others do not use COPY.
    if database.backend() != DbBackend::Postgres {
        return;
    }
    let limit = seconds(3.0);
    let config = database.config().with_operation_timeout(limit).with_broadcast_timeout(limit * 2);
    for handle in handles::own(&config, 2).await {
        if handle.layout == handles::Layout::SingleTable {
            // One of the last users of the first chunk: all of its rows have been sent.
            add_answered_late(&database, &handle, 100_500, 99_990, limit.as_secs_f64()).await;
        }
    }
}
