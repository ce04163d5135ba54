//! Recipients that come slowly, or never: other calls do not wait for them.

use std::time::Duration;

use futures_util::{StreamExt, future::join_all, stream};
use sea_orm::DbBackend;
use tokio::time::sleep;
use user_streams_core::{Delivery, ErrorKind, Recipients, Result, Settings, Streams, UserIdKind};

use super::{
    Running,
    bounds::at_most,
    eventually,
    handles::{self, Handle},
    seconds, sessions, start, timed, within,
};
use crate::database::TestDatabase;

crate::tests![
    recipients_that_stall_in_a_transaction_end_it_after_some_seconds,
    the_timeout_of_stalling_recipients_is_an_option,
    other_calls_continue_while_recipients_stall,
    before_the_first_recipients_no_connection_is_taken,
    slow_but_steady_recipients_may_take_longer,
    an_endless_stream_ends_at_the_broadcast_timeout,
];

/// More than fit into one statement.
const MANY: i64 = 25_000;

/// A stream that stalls after so many recipients.
pub(crate) fn stalling(after: i64) -> Recipients {
    let users = stream::iter(1..=after).map(|user| format!("user {user}"));
    Recipients::stream(users.chain(stream::pending()))
}

fn names_the_option(name: &str, ended: Result<Delivery>) {
    let error = ended.map(drop).unwrap_err();
    let kinds = [ErrorKind::Timeout, ErrorKind::Recipients];
    assert!(kinds.contains(&error.kind()), "{name}: {error:?}");
    assert!(error.to_string().contains("recipients_timeout"), "{name}: {error}");
}

async fn recipients_that_stall_in_a_transaction_end_it_after_some_seconds(database: TestDatabase) {
    let config = database.config().with_user_id(UserIdKind::Text);
    // On SQLite one at a time, since it has one writer.
    let handles = match database.backend() {
        DbBackend::Sqlite => handles::own(&config, 4).await.into_iter().take(1).collect(),
        _ => handles::handles(&config, 4).await,
    };
    join_all(handles.iter().map(|handle| async {
        let add = handle.streams.add_stream_item(stalling(MANY), "stalls");
        let ended = within(8.0, handle.name(), add).await;
        names_the_option(handle.name(), ended);
        eventually(2.0, format!("{}: nothing is stored", handle.name()), async || {
            handle.stored_total(&database).await == 0
        })
        .await;
        assert_eq!(handle.add("user 1", "after").await, 1);
    }))
    .await;
}

/// Both layouts with a timeout of a second for recipients; on SQLite, which has one writer, one.
async fn with_short_timeout(database: &TestDatabase) -> Vec<Streams> {
    let mut all = Vec::new();
    let schemes = match database.backend() {
        DbBackend::Sqlite => &["many-to-many"][..],
        _ => &["single-table", "many-to-many"],
    };
    for scheme in schemes {
        let settings = Settings::new(format!("{scheme}+{}", database.url))
            .with_option("user_id", "text")
            .with_option("max_connections", 4)
            .with_option("recipients_timeout", 1.0);
        let streams = Streams::connect(settings).await.unwrap();
        streams.migrate().await.unwrap();
        all.push(streams);
    }
    all
}

fn start_stalling(streams: &Streams) -> Running<Result<Delivery>> {
    start(streams.add_stream_item(stalling(MANY), "stalls"))
}

async fn the_timeout_of_stalling_recipients_is_an_option(database: TestDatabase) {
    let all = with_short_timeout(&database).await.into_iter().map(async |streams| {
        let (ended, took) = timed(4.0, "the add", start_stalling(&streams).end()).await;
        names_the_option("the add", ended);
        assert!(took >= seconds(1.0) && took <= seconds(3.0), "took {took:?}");
        assert_eq!(streams.get_stream_items("user 1").count().await.unwrap(), 0);
    });
    join_all(all).await;
}

async fn other_calls_continue_while_recipients_stall(database: TestDatabase) {
    let all = with_short_timeout(&database).await.into_iter().map(async |streams| {
        let stalled: Vec<_> = (0..3).map(|_| start_stalling(&streams)).collect();
        // Their transactions are open, or they wait for the write lock.
        sleep(Duration::from_millis(500)).await;
        let read = streams.get_stream_items("user 1").slice(..5);
        assert!(within(1.0, "a read", read).await.unwrap().is_empty());
        let add = within(8.0, "an add", streams.add_stream_item("somebody", "goes on"));
        assert_eq!(add.await.unwrap().delivered, 1);
        for add in stalled {
            names_the_option("the add", within(6.0, "the end", add.end()).await);
        }
    });
    join_all(all).await;
}

async fn before_the_first_recipients_no_connection_is_taken(database: TestDatabase) {
    let config = database.config().with_user_id(UserIdKind::Text);
    let handles = handles::handles(&config, 2).await;
    let stalled: Vec<_> = handles
        .iter()
        .flat_map(|handle| {
            [0, 10, 10].map(|after| start(handle.streams.add_stream_item(stalling(after), "later")))
        })
        .collect();
    sleep(Duration::from_millis(300)).await;
    for handle in &handles {
        let add = within(2.0, handle.name(), handle.add("somebody", "goes on"));
        assert_eq!(add.await, 1);
    }
    eventually(1.0, "no session is busy", async || sessions::busy(&database, &[]).await == 0).await;
    for add in stalled {
        assert!(!add.0.is_finished(), "they may still come");
    }
}

async fn slow_but_steady_recipients_may_take_longer(database: TestDatabase) {
    let all = with_short_timeout(&database).await.into_iter().map(async |streams| {
        // Each pause is within the timeout, their sum is not.
        let users = stream::iter(1..=45_000).then(|number| async move {
            if number % 5_000 == 0 {
                sleep(Duration::from_millis(300)).await;
            }
            format!("user {number}")
        });
        let add = streams.add_stream_item(Recipients::stream(users), "slow");
        let delivery = within(10.0, "the add", add).await.unwrap();
        assert_eq!(delivery.delivered, 45_000);
    });
    join_all(all).await;
}

async fn an_endless_stream_ends_at_the_broadcast_timeout(database: TestDatabase) {
    let config = database.config().with_broadcast_timeout(seconds(1.0));
    let handles: Vec<Handle> = handles::own(&config, 4).await;
    for handle in handles {
        let users = Recipients::iter(1_i64..);
        let add = handle.streams.add_stream_item(users, "for ever");
        let (ended, took) = timed(5.0, handle.name(), add).await;
        let error = ended.map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{}: {error:?}", handle.name());
        assert!(took <= at_most(1.0), "{}: took {took:?}", handle.name());
        eventually(5.0, format!("{}: nothing is stored", handle.name()), async || {
            handle.stored_total(&database).await == 0
        })
        .await;
    }
}
