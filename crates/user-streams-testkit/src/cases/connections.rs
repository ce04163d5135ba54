//! Several connections to one store, at once and one after another; the runtime they are opened on.

use tokio::{runtime::Builder, task};
use user_streams_core::{NewItem, Recipients, backend::Capability};

use crate::{
    Kinds, Namespace,
    case::cases,
    compare::{assert_contents, assert_items, newest_first, stored},
    namespace::Closed,
    panics::panic_message,
};

cases![
    another_connection_sees_what_is_stored over Several for Kinds::Every; requires Durable,
    connections_that_write_in_turn_read_what_the_others_wrote over Several; requires Durable,
    a_stream_that_one_connection_deletes_is_empty_for_the_others over Several;
        requires Durable DeleteStream,
    closing_one_connection_leaves_the_others over Several,
    what_is_stored_outlives_every_connection over Successive; requires Durable,
    a_backend_works_on_a_current_thread_runtime over Successive,
];

async fn another_connection_sees_what_is_stored(ns: Namespace) {
    let (user, item) = (ns.user(), NewItem::new("shared"));
    ns.add(&user, item.clone()).await;
    let other = ns.reconnect().await;
    assert_items(&other.all(&user).await, &[stored(&item)], "one store for all connections");
    let retried = other.add(&user, item).await;
    assert_eq!(retried, 0, "a retry over another connection delivers to nobody twice");
    other.add(&user, "from the other").await;
    assert_contents(
        &ns.all(&user).await,
        &["from the other", "shared"],
        "one store for all connections",
    );
}

async fn connections_that_write_in_turn_read_what_the_others_wrote(ns: Namespace) {
    let connections = [ns.reconnect().await, ns.reconnect().await, ns];
    let user = connections[0].user();
    let mut items = Vec::new();
    for turn in 0..12 {
        let item = NewItem::new(format!("turn {turn}"));
        connections[turn % 3].add(&user, item.clone()).await;
        items.push(item);
        // Each reads the newest items after every write: what it read before is stale now.
        let expected = newest_first(&items);
        for (at, reader) in connections.iter().enumerate() {
            let promise = format!(
                "what one connection has written is read over each other at once (turn {turn}, \
                 reader {at})"
            );
            let first = reader.streams().get_stream_items(&user).slice(..10).await;
            let first = first.expect("a read of the newest items succeeds");
            assert_items(&first, &expected[..expected.len().min(10)], &promise);
            assert_eq!(reader.len(&user).await, items.len(), "{promise}");
        }
    }
}

async fn a_stream_that_one_connection_deletes_is_empty_for_the_others(ns: Namespace) {
    let connections = [ns.reconnect().await, ns];
    for deletes in [0, 1] {
        let (deleter, reader) = (&connections[deletes], &connections[1 - deletes]);
        let (user, items) = reader.feed(3).await;
        assert_items(&reader.all(&user).await, &items, "what was added is read");
        let deleted = deleter.streams().delete_stream(&user).await.expect("a stream is deleted");
        assert_eq!(deleted, 3, "a connection deletes what another has added");
        let promise = "a stream that one connection deletes is empty for the others at once";
        assert_items(&reader.all(&user).await, &[], promise);
        assert_eq!(reader.len(&user).await, 0, "{promise}");
    }
}

async fn closing_one_connection_leaves_the_others(ns: Namespace) {
    let user = ns.user();
    ns.add(&user, "before").await;
    ns.reconnect().await.close().await;
    ns.add(&user, "after").await;
    assert_contents(&ns.all(&user).await, &["after", "before"], "the other connections stay open");
}

async fn what_is_stored_outlives_every_connection(ns: Namespace) {
    let (user, item) = (ns.user(), NewItem::new("kept"));
    ns.add(&user, item.clone()).await;
    // No other connection is open, and the backend value is dropped.
    let ns = ns.close().await.reopen().await;
    let promise = "what is stored is there after every connection was closed";
    assert_items(&ns.all(&user).await, &[stored(&item)], promise);
    let retried = ns.add(&user, item).await;
    assert_eq!(retried, 0, "{promise}: a retry delivers to nobody twice");
    ns.close().await;
}

async fn a_backend_works_on_a_current_thread_runtime(ns: Namespace) {
    let closed = ns.close().await;
    let run = move || {
        let runtime = Builder::new_current_thread().enable_all().build();
        runtime.expect("a current-thread runtime").block_on(use_all(closed));
    };
    if let Err(error) = task::spawn_blocking(run).await {
        let panic = error.into_panic();
        panic!("a backend works on a current-thread runtime: {}", panic_message(&*panic));
    }
}

/// Calls every operation that the backend declares.
async fn use_all(closed: Closed) {
    let ns = closed.reopen().await;
    if ns.has(Capability::Migrate) {
        ns.streams().migrate().await.expect("migrating again is harmless");
    }
    let users = ns.users(2_500);
    ns.add(&users[0], "to one").await;
    ns.add(Recipients::iter(users.clone()), "to all").await;
    let expected = ["to all", "to one"];
    assert_contents(&ns.all(&users[0]).await, &expected, "what was added is read");
    assert_eq!(ns.len(&users[2_499]).await, 1, "a broadcast reaches each");
    if ns.has(Capability::DeleteStream) {
        let deleted = ns.streams().delete_stream(&users[0]).await;
        assert_eq!(deleted.expect("a stream is deleted"), 2, "the number of items deleted");
    }
    ns.close().await;
}
