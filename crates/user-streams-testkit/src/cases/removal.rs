//! Taking one item from some streams.

use futures_util::stream;
use user_streams_core::{
    Cursor, ErrorKind, NewItem, Recipients,
    backend::{Capability, RemoveStreamItem},
};

use super::optional::assert_as_declared;
use crate::{
    Kinds, Namespace,
    case::cases,
    compare::{assert_items, stored},
    namespace::{instant, item_id, place, sample},
};

cases![
    remove_stream_item_works_if_declared for Kinds::Every,
    an_item_is_removed_from_those_named_and_from_nobody_else for Kinds::Every;
        requires RemoveStreamItem,
    only_the_item_at_exactly_that_place_is_removed; requires RemoveStreamItem,
    removing_an_item_again_removes_nothing; requires RemoveStreamItem,
    a_removed_item_can_be_added_again; requires RemoveStreamItem,
    an_item_is_removed_from_a_long_stream_of_recipients; requires RemoveStreamItem,
    a_removal_whose_recipients_fail_at_once_removes_nothing; requires RemoveStreamItem,
];

impl Namespace {
    async fn remove(
        &self,
        recipients: impl user_streams_core::IntoRecipients,
        item: Cursor,
    ) -> u64 {
        let args = RemoveStreamItem::new(recipients, item);
        self.backend().remove_stream_item(args).await.expect("an item can be removed")
    }
}

async fn remove_stream_item_works_if_declared(ns: Namespace) {
    let args = RemoveStreamItem::new(ns.user(), NewItem::new("").cursor());
    assert_as_declared(
        &ns,
        Capability::RemoveStreamItem,
        "remove_stream_item",
        ns.backend().remove_stream_item(args).await,
    );
}

async fn an_item_is_removed_from_those_named_and_from_nobody_else(ns: Namespace) {
    let (users, item, other) = (ns.users(4), NewItem::new("to all"), NewItem::new("another"));
    ns.add(&users, item.clone()).await;
    ns.add(&users, other.clone()).await;
    let stranger = ns.user();
    let named = [&users[0], &users[1], &users[0], &stranger].map(Clone::clone);
    assert_eq!(
        ns.remove(named, item.cursor()).await,
        2,
        "a removal counts those who had the item, each once"
    );
    for user in &users[..2] {
        assert_items(&ns.all(user).await, &[stored(&other)], "the item is gone, and no other");
        assert_eq!(ns.len(user).await, 1, "a removed item is not counted");
    }
    for user in &users[2..] {
        assert_eq!(ns.len(user).await, 2, "nobody else loses an item");
    }
    assert_eq!(ns.len(&stranger).await, 0, "who had no item has none");
}

async fn only_the_item_at_exactly_that_place_is_removed(ns: Namespace) {
    // Nobody else's item is at these places.
    let base = fastrand::i64(0..1_000_000_000_000_000);
    let at = |micros: i64, id| {
        let created_at = instant(base + micros);
        NewItem::new(format!("{micros} {id}")).with_id(item_id(id)).with_created_at(&created_at)
    };
    let place = |micros, id| place(base + micros, id);
    let items = [at(5, 1), at(5, 2), at(5, 3), at(6, 2), at(4, 2)];
    let (user, _) = ns.feed_of(items.to_vec()).await;
    for near in [place(5, 4), place(7, 2), place(3, 2)] {
        assert_eq!(ns.remove(&user, near).await, 0, "an item is its timestamp and its id");
    }
    assert_eq!(ns.remove(&user, place(5, 2)).await, 1, "an item is its timestamp and its id");
    let left = [3, 2, 0, 4].map(|at: usize| stored(&items[at]));
    assert_items(&ns.all(&user).await, &left, "an item is its timestamp and its id");
}

async fn removing_an_item_again_removes_nothing(ns: Namespace) {
    let (user, item) = (ns.user(), NewItem::new("item"));
    ns.add(&user, item.clone()).await;
    assert_eq!(ns.remove(&user, item.cursor()).await, 1, "the item was there");
    assert_eq!(ns.remove(&user, item.cursor()).await, 0, "the item is gone already");
}

async fn a_removed_item_can_be_added_again(ns: Namespace) {
    let (users, item) = (ns.users(2), NewItem::new("item"));
    ns.add(&users, item.clone()).await;
    ns.remove(&users, item.cursor()).await;
    assert_eq!(ns.add(&users[0], item.clone()).await, 1, "a removed item can be added again");
    assert_items(&ns.all(&users[0]).await, &[stored(&item)], "a removed item can be added again");
    assert_eq!(ns.len(&users[1]).await, 0, "and comes to those named alone");
}

async fn an_item_is_removed_from_a_long_stream_of_recipients(ns: Namespace) {
    let (users, item) = (ns.users(2_500), NewItem::new("to all"));
    ns.add(&users, item.clone()).await;
    let all_but_one = users[1..].to_vec();
    assert_eq!(
        ns.remove(Recipients::iter(all_but_one), item.cursor()).await,
        2_499,
        "a removal counts all recipients of a long stream"
    );
    let left = ns.served(sample(&users)).await;
    assert!(left[0], "who was not named keeps the item");
    assert!(!left[1..].contains(&true), "everyone who was named loses the item");
}

async fn a_removal_whose_recipients_fail_at_once_removes_nothing(ns: Namespace) {
    let (user, item) = (ns.user(), NewItem::new("item"));
    ns.add(&user, item.clone()).await;
    let failing = stream::iter([Ok(user.clone()), Err("the users' service is down")]);
    let args = RemoveStreamItem::new(Recipients::try_stream(failing), item.cursor());
    let error = ns.backend().remove_stream_item(args).await.expect_err("the recipients fail");
    assert_eq!(error.kind(), ErrorKind::Recipients, "the recipients have failed: {error}");
    assert_eq!(ns.len(&user).await, 1, "recipients that fail at once lose nothing");
}
