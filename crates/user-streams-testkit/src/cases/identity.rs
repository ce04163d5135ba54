//! An item is identified by `(created_at, id)`; a retry never delivers twice.

use std::{
    collections::HashSet,
    sync::{Arc, Barrier},
};

use chrono::{TimeDelta, Utc};
use futures_util::future::join_all;
use tokio::{runtime::Handle, task};
use user_streams_core::{ItemId, NewItem, UserId};

use crate::{
    Kinds, Namespace,
    case::cases,
    compare::{assert_contents, assert_items, newest_first, stored},
};

cases![
    an_add_that_is_retried_delivers_once for Kinds::Every,
    a_retried_broadcast_reaches_only_who_is_missing for Kinds::Every,
    a_retry_may_come_late,
    retries_at_the_same_time_deliver_once,
    retries_of_many_threads_at_once_deliver_once,
    the_same_id_at_another_time_is_another_item for Kinds::Every,
    the_same_time_with_another_id_is_another_item for Kinds::Every,
    another_content_of_the_same_id_and_time_is_no_second_item,
    an_event_that_comes_twice_arrives_once,
    a_deleted_item_can_be_delivered_again; requires DeleteStream,
];

async fn an_add_that_is_retried_delivers_once(ns: Namespace) {
    let (user, item) = (ns.user(), NewItem::new("retried"));
    assert_eq!(ns.add(&user, item.clone()).await, 1, "the first add delivers");
    for _ in 0..3 {
        assert_eq!(
            ns.add(&user, item.clone()).await,
            0,
            "a user who has the item does not count as delivered"
        );
    }
    assert_items(&ns.all(&user).await, &[stored(&item)], "the same item added again has no effect");
    assert_eq!(ns.len(&user).await, 1, "the same item added again has no effect on the count");
}

async fn a_retried_broadcast_reaches_only_who_is_missing(ns: Namespace) {
    let (users, item) = (ns.users(10), NewItem::new("retried"));
    assert_eq!(ns.add(&users[2..6], item.clone()).await, 4, "the first attempt reaches some");
    assert_eq!(ns.add(&users, item.clone()).await, 6, "delivered counts those who were missing");
    assert_eq!(ns.add(&users, item.clone()).await, 0, "then nobody is missing");
    assert_eq!(ns.served(&users).await, [true; 10], "everybody has it once");
}

async fn a_retry_may_come_late(ns: Namespace) {
    let (user, item) = (ns.user(), NewItem::new("early"));
    ns.add(&user, item.clone()).await;
    ns.add(&user, "later").await;
    assert_eq!(ns.add(&user, item).await, 0, "a retry has no effect, whatever was added since");
    assert_contents(&ns.all(&user).await, &["later", "early"], "a retry moves nothing");
}

async fn retries_at_the_same_time_deliver_once(ns: Namespace) {
    let (users, item) = (ns.users(20), NewItem::new("at once"));
    let delivered = join_all((0..8).map(|_| ns.add(&users, item.clone()))).await;
    assert_eq!(
        delivered.iter().sum::<u64>(),
        20,
        "of adds at the same time, one delivers to each: {delivered:?}"
    );
    assert_eq!(ns.served(&users).await, [true; 20], "everybody has it once");
}

async fn retries_of_many_threads_at_once_deliver_once(ns: Namespace) {
    const THREADS: usize = 4;
    // A backend that looks first and stores then is caught in between, sooner or later.
    let adds: Vec<_> = (0..200).map(|_| (ns.user(), NewItem::new("at once"))).collect();
    let (adds, start) = (Arc::new(adds), Arc::new(Barrier::new(THREADS)));
    let threads = (0..THREADS).map(|_| {
        let (ns, adds, start) = (ns.clone(), Arc::clone(&adds), Arc::clone(&start));
        let runtime = Handle::current();
        // Threads of its own, as those of the runtime may be busy.
        task::spawn_blocking(move || {
            let add = |(user, item): &(UserId, NewItem)| {
                start.wait();
                runtime.block_on(ns.streams().add_stream_item(user, item.clone()).into_future())
            };
            adds.iter().map(add).collect::<Vec<_>>()
        })
    });
    let mut delivered = vec![0; adds.len()];
    for retries in join_all(threads).await {
        for (at, retry) in retries.expect("an add does not panic").into_iter().enumerate() {
            let retry = retry.expect("an add does not fail because the same one is under way");
            delivered[at] += retry.delivered;
        }
    }
    for (at, (user, item)) in adds.iter().enumerate() {
        assert_eq!(delivered[at], 1, "of the same adds in many threads, one delivers");
        let promise = "the same item added by many threads is there once";
        assert_items(&ns.all(user).await, &[stored(item)], promise);
    }
}

async fn the_same_id_at_another_time_is_another_item(ns: Namespace) {
    let item = NewItem::new("the same content");
    let later = item.clone().with_created_at(&(item.created_at() + TimeDelta::microseconds(1)));
    let earlier = item.clone().with_created_at(&(item.created_at() - TimeDelta::days(1)));
    let user = ns.user();
    for item in [&item, &later, &earlier] {
        assert_eq!(
            ns.add(&user, item.clone()).await,
            1,
            "the same id with another created_at is another item"
        );
    }
    let expected = newest_first([&item, &later, &earlier]);
    assert_items(
        &ns.all(&user).await,
        &expected,
        "the same id with another created_at is another item",
    );
    assert_eq!(ns.len(&user).await, 3, "each of them counts");
}

async fn the_same_time_with_another_id_is_another_item(ns: Namespace) {
    let item = NewItem::new("the same content");
    let other = item.clone().with_id(ItemId::generate());
    let user = ns.user();
    for item in [&item, &other] {
        assert_eq!(
            ns.add(&user, item.clone()).await,
            1,
            "the same created_at with another id is another item"
        );
    }
    let expected = newest_first([&item, &other]);
    assert_items(
        &ns.all(&user).await,
        &expected,
        "the same created_at with another id is another item",
    );
    assert_eq!(ns.len(&user).await, 2, "each of them counts");
}

async fn another_content_of_the_same_id_and_time_is_no_second_item(ns: Namespace) {
    let (user, item) = (ns.user(), NewItem::new("first"));
    let again = NewItem::new("second").with_created_at(&item.created_at()).with_id(item.id());
    ns.add(&user, item.clone()).await;
    // It has no effect, or is refused for good: a retry would meet the same content again.
    match ns.streams().add_stream_item(&user, again).await {
        Ok(delivery) => {
            assert_eq!(delivery.delivered, 0, "an item is identified by created_at and id alone");
        }
        Err(error) => assert!(!error.is_retryable(), "a retry never helps: {error:?}"),
    }
    assert_items(
        &ns.all(&user).await,
        &[stored(&item)],
        "another content replaces nothing and is no second item",
    );
    assert_eq!(ns.len(&user).await, 1, "another content is no second item");
}

async fn an_event_that_comes_twice_arrives_once(ns: Namespace) {
    let (user, when) = (ns.user(), Utc::now());
    let event = format!("order:{user}");
    let mut ids = HashSet::new();
    for delivered in [1, 0] {
        let id = ItemId::from_event(&event);
        let add =
            ns.streams().add_stream_item(&user, "Your order was sent").created_at(when).id(id);
        let delivery = add.await.expect("an add of valid arguments succeeds");
        ids.insert(delivery.item);
        assert_eq!(delivery.delivered, delivered, "an event that comes twice is delivered once");
    }
    assert_eq!(ids.len(), 1, "an event has one id");
    assert_eq!(ns.len(&user).await, 1, "an event that comes twice is one item");
}

async fn a_deleted_item_can_be_delivered_again(ns: Namespace) {
    let (users, item) = (ns.users(2), NewItem::new("again"));
    ns.add(&users, item.clone()).await;
    ns.streams().delete_stream(&users[0]).await.expect("a stream is deleted");
    assert_eq!(
        ns.add(&users, item.clone()).await,
        1,
        "a user whose stream was deleted has not the item any more"
    );
    assert_items(
        &ns.all(&users[0]).await,
        &[stored(&item)],
        "an item can be delivered again after its deletion",
    );
}
