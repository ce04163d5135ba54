//! Optional operations and promises: what is declared works, and what is not answers `Unsupported`.

use std::fmt::Debug;

use futures_util::future::{join, join_all};
use tokio::{sync::RwLock, task};
use user_streams_core::{
    Error, ErrorKind, NewItem, Result,
    backend::{Capability, DeleteStream, RepairStream},
};

use crate::{
    Kinds, Namespace,
    case::cases,
    compare::{assert_contents, assert_items, newest_first, stored},
};

cases![
    capabilities_never_change over Several,
    migrate_works_if_declared,
    delete_stream_works_if_declared for Kinds::Every,
    repair_stream_works_if_declared for Kinds::Every,
    purge_works_if_declared,
    in_transaction_takes_no_other_type,
    migrating_again_changes_nothing; requires Migrate,
    many_may_migrate_at_once over Several; requires Migrate,
    delete_stream_deletes_one_users_items_and_counts_them for Kinds::Every; requires DeleteStream,
    a_deleted_stream_can_be_added_to; requires DeleteStream,
    deleting_an_empty_stream_deletes_nothing; requires DeleteStream,
    repairing_a_sound_stream_deletes_nothing; requires RepairStream,
    ping_answers_and_stores_nothing for Kinds::Every,
    purge_deletes_what_no_stream_refers_to; requires Purge DeleteStream,
    purge_takes_nothing_from_an_add_under_way; requires Purge,
];

/// Purging is of the whole store: while one case expects what it counts, no other may purge.
static PURGING: RwLock<()> = RwLock::const_new(());

#[track_caller]
fn assert_as_declared<T: Debug>(
    ns: &Namespace,
    capability: Capability,
    operation: &str,
    result: Result<T>,
) {
    match (ns.has(capability), result) {
        (true, Ok(_)) => {}
        (true, Err(error)) => panic!("{operation} is declared, and must work: {error:?}"),
        (false, Ok(value)) => {
            panic!("{operation} is not declared, and must answer Unsupported, not {value:?}")
        }
        (false, Err(error)) => assert_unsupported(ns, operation, &error),
    }
}

#[track_caller]
fn assert_unsupported(ns: &Namespace, operation: &str, error: &Error) {
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{operation} is not declared: {error}");
    assert_eq!(error.operation(), Some(operation), "Unsupported names the operation");
    assert_eq!(
        error.backend(),
        Some(ns.streams().capabilities().backend()),
        "Unsupported names the backend"
    );
}

async fn capabilities_never_change(ns: Namespace) {
    let before = ns.backend().capabilities();
    assert!(!before.backend().is_empty(), "a backend has a name");
    let user = ns.user();
    ns.add(&user, "").await;
    assert_eq!(ns.len(&user).await, 1, "an add is counted");
    assert_eq!(
        ns.backend().capabilities(),
        before,
        "capabilities are constant over a backend's life"
    );
    assert_eq!(
        ns.reconnect().await.backend().capabilities(),
        before,
        "capabilities are those of every connection"
    );
}

async fn migrate_works_if_declared(ns: Namespace) {
    assert_as_declared(&ns, Capability::Migrate, "migrate", ns.backend().migrate().await);
    assert_as_declared(&ns, Capability::Migrate, "migrate", ns.streams().migrate().await);
}

async fn delete_stream_works_if_declared(ns: Namespace) {
    let delete = DeleteStream::new(ns.user());
    assert_as_declared(
        &ns,
        Capability::DeleteStream,
        "delete_stream",
        ns.backend().delete_stream(delete).await,
    );
    let through_streams = ns.streams().delete_stream(ns.user()).await;
    assert_as_declared(&ns, Capability::DeleteStream, "delete_stream", through_streams);
}

async fn repair_stream_works_if_declared(ns: Namespace) {
    let repair = RepairStream::new(ns.user());
    assert_as_declared(
        &ns,
        Capability::RepairStream,
        "repair_stream",
        ns.backend().repair_stream(repair).await,
    );
    let through_streams = ns.streams().repair_stream(ns.user()).await;
    assert_as_declared(&ns, Capability::RepairStream, "repair_stream", through_streams);
}

async fn repairing_a_sound_stream_deletes_nothing(ns: Namespace) {
    let (user, items) = ns.feed(300).await;
    assert_eq!(
        ns.streams().repair_stream(&user).await.expect("a stream is repaired"),
        0,
        "nothing in the stream is damaged"
    );
    assert_items(&ns.all(&user).await, &items, "repairing keeps what can be read");
    assert_eq!(
        ns.streams().repair_stream(ns.user()).await.expect("a stream is repaired"),
        0,
        "nothing is damaged in an empty stream"
    );
}

async fn ping_answers_and_stores_nothing(ns: Namespace) {
    let (user, items) = ns.feed(2).await;
    for _ in 0..3 {
        ns.backend().ping().await.expect("a storage that serves answers to ping");
        ns.streams().ping().await.expect("a storage that serves answers to ping");
    }
    assert_items(&ns.all(&user).await, &items, "ping changes nothing");
}

async fn purge_works_if_declared(ns: Namespace) {
    let _alone = PURGING.write().await;
    assert_as_declared(&ns, Capability::Purge, "purge", ns.backend().purge().await);
    assert_as_declared(&ns, Capability::Purge, "purge", ns.streams().purge().await);
}

async fn in_transaction_takes_no_other_type(ns: Namespace) {
    for answer in
        [ns.backend().in_transaction(&()).map(drop), ns.streams().in_transaction(&()).map(drop)]
    {
        let error = answer.expect_err("`()` is no transaction");
        if ns.has(Capability::InTransaction) {
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "`()` is no transaction: {error}");
        } else {
            assert_unsupported(&ns, "in_transaction", &error);
        }
    }
}

async fn migrating_again_changes_nothing(ns: Namespace) {
    let (user, items) = ns.feed(3).await;
    for _ in 0..2 {
        ns.streams().migrate().await.expect("migrating again is harmless");
    }
    assert_items(&ns.all(&user).await, &items, "migrating again keeps every item");
}

async fn many_may_migrate_at_once(ns: Namespace) {
    let (user, items) = ns.feed(3).await;
    let connections = join_all((0..4).map(|_| ns.reconnect())).await;
    let all = connections.iter().chain([&ns]);
    let migrations = join_all(all.map(|connection| connection.backend().migrate())).await;
    for migrated in migrations {
        migrated.expect("migrating from many processes at once is safe");
    }
    assert_items(&ns.all(&user).await, &items, "migrating at once keeps every item");
}

async fn delete_stream_deletes_one_users_items_and_counts_them(ns: Namespace) {
    let (users, item) = (ns.users(3), NewItem::new("to all"));
    ns.add(&users, item.clone()).await;
    ns.add(&users[1], "to one").await;
    assert_eq!(
        ns.streams().delete_stream(&users[1]).await.expect("a stream is deleted"),
        2,
        "the number of items deleted"
    );
    assert!(ns.all(&users[1]).await.is_empty(), "the stream is empty then");
    assert_eq!(ns.len(&users[1]).await, 0, "the count is 0 then");
    for user in [&users[0], &users[2]] {
        assert_items(&ns.all(user).await, &[stored(&item)], "nobody else loses an item");
        assert_eq!(ns.len(user).await, 1, "nobody else loses an item");
    }
}

async fn a_deleted_stream_can_be_added_to(ns: Namespace) {
    let (user, _) = ns.feed(3).await;
    ns.streams().delete_stream(&user).await.expect("a stream is deleted");
    ns.add(&user, "after").await;
    assert_contents(&ns.all(&user).await, &["after"], "a deleted stream begins anew");
    assert_eq!(
        ns.streams().delete_stream(&user).await.expect("a stream is deleted"),
        1,
        "and can be deleted again"
    );
}

async fn deleting_an_empty_stream_deletes_nothing(ns: Namespace) {
    let user = ns.user();
    assert_eq!(
        ns.streams().delete_stream(&user).await.expect("a stream is deleted"),
        0,
        "there was nothing to delete"
    );
    ns.add(&user, "").await;
    assert_eq!(
        ns.streams().delete_stream(&user).await.expect("a stream is deleted"),
        1,
        "there was one item to delete"
    );
    assert_eq!(
        ns.streams().delete_stream(&user).await.expect("a stream is deleted"),
        0,
        "there is nothing left to delete"
    );
}

async fn purge_deletes_what_no_stream_refers_to(ns: Namespace) {
    let _alone = PURGING.write().await;
    let (users, item) = (ns.users(2), NewItem::new("to both"));
    ns.add(&users, item.clone()).await;
    ns.streams().delete_stream(&users[0]).await.expect("a stream is deleted");
    ns.streams().purge().await.expect("purge works");
    assert_items(&ns.all(&users[1]).await, &[stored(&item)], "what a stream has is not purged");
    ns.streams().delete_stream(&users[1]).await.expect("a stream is deleted");
    assert!(
        ns.streams().purge().await.expect("purge works beside everything else") >= 1,
        "purge returns how many items it has deleted"
    );
    assert_eq!(ns.add(&users, item.clone()).await, 2, "a purged item can be delivered again");
    assert_items(
        &ns.all(&users[0]).await,
        &[stored(&item)],
        "a purged item can be delivered again",
    );
}

async fn purge_takes_nothing_from_an_add_under_way(ns: Namespace) {
    let _alone = PURGING.write().await;
    let user = ns.user();
    let items: Vec<_> = (0..50).map(|n| NewItem::new(format!("item {n}"))).collect();
    let add = async {
        for item in &items {
            ns.add([user.clone(), ns.user()], item.clone()).await;
        }
    };
    let purge = async {
        for _ in 0..20 {
            ns.streams().purge().await.expect("purge works beside adds");
            task::yield_now().await;
        }
    };
    join(add, purge).await;
    assert_items(
        &ns.all(&user).await,
        &newest_first(&items),
        "purge takes nothing that is being added",
    );
    assert_eq!(ns.len(&user).await, 50, "purge takes nothing that is being added");
}
