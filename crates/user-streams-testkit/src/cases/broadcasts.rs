//! Broadcasts of many sizes: whom they reach, how they report it, and how they fail.

use std::{
    io,
    sync::{Arc, Mutex},
};

use futures_util::stream::{self, StreamExt};
use user_streams_core::{ErrorKind, NewItem, Recipients, UserId};

use super::recipients::{Query, nothing_of};
use crate::{Kinds, Namespace, case::cases, namespace::sample};

cases![
    a_broadcast_to_25_000_users_reaches_each_once for Kinds::Every,
    a_broadcast_to_70_000_users_reaches_each_once,
    a_large_retry_reaches_only_who_is_missing,
    progress_never_decreases_and_ends_at_delivered,
    a_failure_of_the_recipients_is_an_error_of_theirs,
    a_failed_broadcast_is_completed_by_a_retry,
    a_broadcast_whose_recipients_fail_stores_nothing; requires AtomicBroadcast,
    a_broadcast_that_fails_early_stores_nothing; requires AtomicBroadcast,
];

async fn a_broadcast_to_25_000_users_reaches_each_once(ns: Namespace) {
    reaches_each_once(&ns, 25_000).await;
}

async fn a_broadcast_to_70_000_users_reaches_each_once(ns: Namespace) {
    // More than 16 bits count, which is what some protocols have for their parameters.
    reaches_each_once(&ns, 70_000).await;
}

async fn reaches_each_once(ns: &Namespace, number: usize) {
    let users = ns.users(number);
    assert_eq!(ns.add(&users, "to all").await, number as u64, "delivered is the number of users");
    assert!(
        ns.served(sample(&users)).await.into_iter().all(|served| served),
        "a broadcast leaves out none of {number} recipients"
    );
}

async fn a_large_retry_reaches_only_who_is_missing(ns: Namespace) {
    let (users, item) = (ns.users(6_000), NewItem::new("retried"));
    let some: Vec<_> = users.iter().step_by(3).cloned().collect();
    assert_eq!(
        ns.add(Recipients::iter(some), item.clone()).await,
        2_000,
        "the first attempt reaches some"
    );
    assert_eq!(
        ns.add(Recipients::iter(users.clone()), item.clone()).await,
        4_000,
        "the second one the others"
    );
    assert_eq!(ns.add(&users, item).await, 0, "then nobody is missing");
    assert!(ns.served(sample(&users)).await.into_iter().all(|served| served), "each has it once");
}

async fn progress_never_decreases_and_ends_at_delivered(ns: Namespace) {
    let users = ns.users(5_000);
    let named: Vec<_> = users.iter().chain(&users[..100]).cloned().collect();
    for recipients in [
        Recipients::iter(named),
        Recipients::query(Query(Ok(ns.users(10)))),
        Recipients::iter(ns.users(1)),
    ] {
        let reports = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&reports);
        let add = ns
            .streams()
            .add_stream_item(recipients, "")
            .on_progress(move |users| seen.lock().expect("no callback panics").push(users));
        let delivered = add.await.expect("an add of valid arguments succeeds").delivered;
        let reports = reports.lock().expect("no callback panics");
        assert!(reports.is_sorted(), "progress never decreases: {reports:?}");
        assert_eq!(
            reports.last(),
            Some(&delivered),
            "progress ends at the number delivered: {reports:?}"
        );
    }
}

/// These users, and then a failure.
fn failing(users: &[UserId]) -> Recipients {
    let users: Vec<_> = users.iter().cloned().map(Ok).collect();
    let failure = Err(io::Error::other("the users' service is down"));
    Recipients::try_stream(stream::iter(users).chain(stream::iter([failure])))
}

async fn a_failure_of_the_recipients_is_an_error_of_theirs(ns: Namespace) {
    for users in [ns.users(0), ns.users(3), ns.users(2_500)] {
        let error = ns
            .streams()
            .add_stream_item(failing(&users), "")
            .await
            .expect_err("recipients that fail are an error");
        assert_eq!(
            error.kind(),
            ErrorKind::Recipients,
            "recipients that fail are an error: {error}"
        );
        assert_eq!(error.operation(), Some("add_stream_item"), "which names the operation");
        assert!(
            format!("{error:?}").contains("the users' service is down"),
            "and its cause: {error:?}"
        );
    }
}

async fn a_failed_broadcast_is_completed_by_a_retry(ns: Namespace) {
    let (users, item) = (ns.users(3_000), NewItem::new("retried"));
    ns.streams()
        .add_stream_item(failing(&users[..2_500]), item.clone())
        .await
        .expect_err("recipients that fail are an error");
    let delivered = ns.add(&users, item).await;
    assert!(delivered >= 500, "a retry reaches those who were not named before: {delivered}");
    assert!(ns.served(sample(&users)).await.into_iter().all(|served| served), "each has it once");
}

async fn a_broadcast_whose_recipients_fail_stores_nothing(ns: Namespace) {
    let (users, item) = (ns.users(22_000), NewItem::new("never"));
    ns.streams()
        .add_stream_item(failing(&users), item.clone())
        .await
        .expect_err("recipients that fail are an error");
    assert!(
        !ns.served(sample(&users)).await.contains(&true),
        "a broadcast that fails half-way stores nothing"
    );
    nothing_of(&ns, &item).await;
}

async fn a_broadcast_that_fails_early_stores_nothing(ns: Namespace) {
    let (users, item) = (ns.users(3), NewItem::new("never"));
    ns.streams()
        .add_stream_item(failing(&users), item.clone())
        .await
        .expect_err("recipients that fail are an error");
    assert_eq!(ns.served(&users).await, [false; 3], "a broadcast that fails stores nothing");
    nothing_of(&ns, &item).await;
}
