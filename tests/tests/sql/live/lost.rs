//! The connection that listens is lost: nothing is missed, nothing foreign comes, and it goes on.

use std::{collections::BTreeSet, time::Duration};

use futures_util::StreamExt;
use tokio::task::spawn_blocking;
use user_streams_core::{Settings, Streams};
use user_streams_test_servers::{Kind, Profile, start_with};

use super::{Live, NEVER, another, ended, is_postgres, listener, next, subscribed, tellers};
use crate::{
    database::TestDatabase,
    faults::{eventually, handles::own_in, proxy::Proxy, timed, within},
};

crate::tests![
    nothing_is_missed_while_the_session_is_ended,
    nothing_is_missed_while_the_server_is_restarted,
    a_peer_that_is_gone_is_noticed,
    no_error_of_listening_has_the_password,
];

/// The contents that come until all of these have.
async fn all_come(live: &mut Live, mut expected: BTreeSet<String>) {
    while !expected.is_empty() {
        let item = within(20.0, format!("{expected:?}"), live.next()).await.unwrap().unwrap();
        assert!(expected.remove(&item.content), "once, and nothing foreign: {}", item.content);
    }
}

async fn nothing_is_missed_while_the_session_is_ended(database: TestDatabase) {
    if !is_postgres(&database) {
        return;
    }
    for handle in tellers(&database, "ended").await {
        let streams = handle.streams.clone().with_poll_interval(NEVER);
        let mut live = subscribed(&streams, streams.get_stream_items(7)).await;
        let other = another(&database, &handle).await;
        let mut expected = BTreeSet::new();
        for number in 0..60 {
            if number % 20 == 10 {
                let session = listener(&database).await;
                database.run(&format!("SELECT pg_terminate_backend({session})")).await;
                ended(&database, session).await;
            }
            let content = format!("item {number}");
            other.add([7, 8], &*content).await;
            other.add(8, "of another").await;
            expected.insert(content);
        }
        all_come(&mut live, expected).await;
        listener(&database).await;
        other.add(7, "told again").await;
        assert_eq!(next(&mut live, handle.name()).await, "told again");
    }
}

async fn nothing_is_missed_while_the_server_is_restarted(database: TestDatabase) {
    if !is_postgres(&database) {
        return;
    }
    let start = || start_with(Kind::Postgres, Profile::Fast, &[]);
    let mut server = spawn_blocking(start).await.unwrap().unwrap();
    for (layout, is_killed) in [("single-table", false), ("many-to-many", true)] {
        let connect = async || {
            let settings = Settings::new(format!("{layout}+{}", server.url)).with_live(true);
            let streams = Streams::connect(settings.with_poll_interval(NEVER)).await.unwrap();
            streams.migrate().await.unwrap();
            streams
        };
        let (streams, other) = (connect().await, connect().await);
        let mut live = subscribed(&streams, streams.get_stream_items(7)).await;
        other.add_stream_item(7, "before").await.unwrap();
        // As PostgreSQL's commits in a throwaway server are not durable, what comes is of the time
        // after it.
        assert_eq!(next(&mut live, layout).await, "before");
        if is_killed {
            server.kill().unwrap();
        } else {
            server.terminate().unwrap();
        }
        server = spawn_blocking(move || {
            server.restart().unwrap();
            server
        })
        .await
        .unwrap();
        let mut expected = BTreeSet::new();
        for number in 0..50 {
            let content = format!("item {number}");
            let add = async || other.add_stream_item(7, &*content).await.is_ok();
            eventually(10.0, "an add", add).await;
            expected.insert(content);
        }
        all_come(&mut live, expected).await;
        drop(live);
        for streams in [streams, other] {
            streams.close().await.unwrap();
        }
    }
}

async fn a_peer_that_is_gone_is_noticed(database: TestDatabase) {
    if !is_postgres(&database) {
        return;
    }
    let [handle, ..] = &tellers(&database, "gone").await[..] else { panic!("both layouts") };
    let proxy = Proxy::before(&database.url).await;
    let config = user_streams_single_table::SingleTableConfig::new(proxy.url());
    let config = config.with_table(&handle.table).with_live(true);
    let through = own_in(handle.layout, config).await;
    let streams = through.streams.clone().with_poll_interval(NEVER);
    let mut live = subscribed(&streams, streams.get_stream_items(7)).await;
    // It is asked whether it is there, and is.
    tokio::time::sleep(Duration::from_secs(6)).await;
    handle.add(7, "told").await;
    assert_eq!(next(&mut live, "before").await, "told");
    let mut hints = through.backend().watch().await.unwrap();
    proxy.stall_all();
    handle.add(7, "missed").await;
    let (end, _) = timed(15.0, "noticed", hints.next()).await;
    assert!(end.unwrap().is_err());
    proxy.cut();
    proxy.release();
    assert_eq!(within(20.0, "after it", live.next()).await.unwrap().unwrap().content, "missed");
}

async fn no_error_of_listening_has_the_password(database: TestDatabase) {
    if !is_postgres(&database) {
        return;
    }
    let proxy = Proxy::before(&database.url).await;
    let url = proxy.url().replacen("postgres@", "postgres:s3cr3t@", 1);
    let config = user_streams_single_table::SingleTableConfig::new(url).with_live(true);
    let layout = crate::faults::handles::Layout::SingleTable;
    let handle = own_in(layout, config.with_table("secret")).await.migrated().await;
    let mut hints = handle.backend().watch().await.unwrap();
    proxy.cut();
    let cut = within(5.0, "the end", hints.next()).await.unwrap().unwrap_err();
    drop(proxy);
    let refused = within(20.0, "an error", handle.backend().watch()).await.map(drop).unwrap_err();
    for error in [cut, refused] {
        let shown = format!("{error} {error:?} {:?}", handle.streams);
        assert!(!shown.contains("s3cr3t"), "{shown}");
    }
}
