//! Broadcasts: every form of recipients, duplicates, atomicity, progress.

use std::{
    collections::{BTreeSet, HashSet},
    io,
    sync::{Arc, Mutex},
};

use futures_util::stream::{self, BoxStream, StreamExt};
use user_streams_core::{
    Error, ErrorKind, NewItem, Recipients, Result, ToUserId, UserId, backend::RecipientQuery,
};

use crate::{
    Kinds, Namespace,
    case::cases,
    compare::{assert_items, stored},
    namespace::sample,
};

cases![
    every_form_of_recipients_is_served for Kinds::Every,
    an_applications_own_user_type_is_served,
    a_query_that_the_backend_does_not_know_is_read_as_a_stream,
    a_query_that_cannot_be_run_stores_nothing,
    no_recipients_are_no_error_and_store_nothing,
    a_user_named_twice_receives_it_once for Kinds::Every,
    a_user_named_twice_far_apart_receives_it_once for Kinds::Every,
    a_broadcast_to_25_000_users_reaches_each_once for Kinds::Every,
    a_broadcast_to_70_000_users_reaches_each_once,
    a_large_retry_reaches_only_who_is_missing,
    a_stream_of_recipients_may_read_and_add_itself,
    progress_never_decreases_and_ends_at_delivered,
    a_failure_of_the_recipients_is_an_error_of_theirs,
    a_failed_broadcast_is_completed_by_a_retry,
    a_broadcast_whose_recipients_fail_stores_nothing; requires AtomicBroadcast,
    a_broadcast_that_fails_early_stores_nothing; requires AtomicBroadcast,
];

#[derive(Debug)]
struct Query(Result<Vec<UserId>, &'static str>);

impl RecipientQuery for Query {
    fn into_stream(
        self: Box<Self>,
        backend: &'static str,
    ) -> Result<BoxStream<'static, Result<UserId>>> {
        let failed = |message| Error::new(ErrorKind::Recipients, message).with_backend(backend);
        Ok(stream::iter(self.0.map_err(failed)?).map(Ok).boxed())
    }
}

struct Member {
    id: UserId,
}

impl ToUserId for Member {
    fn to_user_id(&self) -> UserId {
        self.id.clone()
    }
}

async fn every_form_of_recipients_is_served(ns: Namespace) {
    let users = ns.users(3);
    let pair = [users[0].clone(), users[1].clone()];
    let forms = [
        (Recipients::iter(users.clone()), 3),
        (Recipients::stream(stream::iter(users.clone())), 3),
        (Recipients::try_stream(stream::iter(users.clone()).map(Ok::<_, io::Error>)), 3),
        (Recipients::query(Query(Ok(users.clone()))), 3),
    ];
    let mut expected = 0;
    for (form, delivered) in forms {
        let name = format!("{form:?}");
        assert_eq!(ns.add(form, "").await, delivered, "{name} are served");
        expected += 1;
    }
    assert_eq!(ns.add(users.clone(), "").await, 3, "a Vec is served");
    assert_eq!(ns.add(&users, "").await, 3, "a reference to a Vec is served");
    assert_eq!(ns.add(&users[..], "").await, 3, "a slice is served");
    assert_eq!(
        ns.add(users.iter().cloned().collect::<HashSet<_>>(), "").await,
        3,
        "a HashSet is served"
    );
    assert_eq!(
        ns.add(users.iter().cloned().collect::<BTreeSet<_>>(), "").await,
        3,
        "a BTreeSet is served"
    );
    assert_eq!(ns.add(&pair, "").await, 2, "a reference to an array is served");
    assert_eq!(ns.add(pair, "").await, 2, "an array is served");
    expected += 5;
    let (first, last) = (ns.len(&users[0]).await, ns.len(&users[2]).await);
    assert_eq!(
        (first, last),
        (expected + 2, expected),
        "each form of recipients has received its item"
    );
}

async fn an_applications_own_user_type_is_served(ns: Namespace) {
    let (alone, members) =
        (Member { id: ns.user() }, [Member { id: ns.user() }, Member { id: ns.user() }]);
    assert_eq!(ns.add(&alone, "to one").await, 1, "a user of the application's own type is served");
    assert_eq!(
        ns.add(&members, "to some").await,
        2,
        "users of the application's own type are served"
    );
    assert_eq!(
        ns.served([&alone.id, &members[0].id, &members[1].id]).await,
        [true; 3],
        "each has its item"
    );
}

async fn a_query_that_the_backend_does_not_know_is_read_as_a_stream(ns: Namespace) {
    let users = ns.users(5);
    assert_eq!(
        ns.add(Recipients::query(Query(Ok(users.clone()))), "").await,
        5,
        "a query's users are served"
    );
    assert_eq!(ns.served(&users).await, [true; 5], "a query's users each receive the item");
}

async fn a_query_that_cannot_be_run_stores_nothing(ns: Namespace) {
    let query = Recipients::query(Query(Err("only within its own database")));
    let error = ns
        .streams()
        .add_stream_item(query, "")
        .await
        .expect_err("a query that cannot be run is an error");
    assert_eq!(
        error.kind(),
        ErrorKind::Recipients,
        "a query that cannot be run is an error: {error}"
    );
    assert_eq!(
        error.backend(),
        Some(ns.streams().capabilities().backend()),
        "which names the backend"
    );
}

async fn no_recipients_are_no_error_and_store_nothing(ns: Namespace) {
    let item = NewItem::new("to nobody");
    assert_eq!(
        ns.add(Vec::<UserId>::new(), item.clone()).await,
        0,
        "an empty list receives nothing"
    );
    assert_eq!(
        ns.add(Recipients::iter(Vec::<UserId>::new()), item.clone()).await,
        0,
        "nor an empty iterator"
    );
    assert_eq!(
        ns.add(Recipients::query(Query(Ok(Vec::new()))), item.clone()).await,
        0,
        "nor an empty query"
    );
    nothing_of(&ns, &item).await;
}

/// Had something of `item` been stored, another item of its id and time would now meet its content.
async fn nothing_of(ns: &Namespace, item: &NewItem) {
    let user = ns.user();
    let other = NewItem::new("stored alone").with_created_at(&item.created_at()).with_id(item.id());
    assert_eq!(ns.add(&user, other.clone()).await, 1, "another item can take its place");
    assert_items(
        &ns.all(&user).await,
        &[stored(&other)],
        "nothing was stored, not even the content",
    );
}

async fn a_user_named_twice_receives_it_once(ns: Namespace) {
    let users = ns.users(3);
    let named = [0, 1, 0, 0, 2, 1].map(|at: usize| users[at].clone());
    assert_eq!(ns.add(&named, "once").await, 3, "delivered counts users, not names");
    assert_eq!(
        ns.add(Recipients::iter(named), "again").await,
        3,
        "delivered counts users, not names"
    );
    for user in &users {
        assert_eq!(ns.len(user).await, 2, "a user named twice receives an item once");
        assert_eq!(ns.all(user).await.len(), 2, "a user named twice receives an item once");
    }
}

async fn a_user_named_twice_far_apart_receives_it_once(ns: Namespace) {
    let users = ns.users(12_500);
    let named = users.clone().into_iter().chain(users.clone());
    assert_eq!(
        ns.add(Recipients::iter(named), "once").await,
        12_500,
        "delivered counts users, not names"
    );
    assert!(ns.served(sample(&users)).await.into_iter().all(|served| served), "each has it once");
}

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

async fn a_stream_of_recipients_may_read_and_add_itself(ns: Namespace) {
    for number in [3, 2_500] {
        let (users, log) = (ns.users(number), ns.user());
        let (inner, last) = ((ns.clone(), log.clone()), number - 1);
        let recipients = stream::iter(users.clone().into_iter().enumerate()).then(move |at| {
            let ((at, user), (ns, log)) = (at, inner.clone());
            async move {
                // The first one, and the last of the last chunk.
                if at == 0 || at == last {
                    ns.add(&log, "a recipient").await;
                    ns.len(&log).await;
                }
                user
            }
        });
        let add = ns.add(Recipients::stream(recipients), "to all");
        let promise = "no lock is held while a broadcast waits for recipients, which may come from \
                       the same store";
        assert_eq!(ns.soon(add, promise).await, number as u64, "delivered is the number of users");
        assert_eq!(ns.len(&log).await, 2, "what is added meanwhile is there");
    }
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
        let told = Arc::clone(&reports);
        let add = ns
            .streams()
            .add_stream_item(recipients, "")
            .on_progress(move |users| told.lock().expect("no callback panics").push(users));
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
