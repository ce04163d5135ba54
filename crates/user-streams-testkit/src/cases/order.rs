//! The order is `(created_at, id)`, newest first, everywhere.

use chrono::{TimeDelta, Utc};
use user_streams_core::NewItem;

use crate::{
    Kinds, Namespace,
    case::cases,
    compare::{assert_contents, assert_items},
    namespace::{instant, item_id},
};

cases![
    the_newest_item_is_first for Kinds::Every,
    equal_timestamps_keep_insertion_order for Kinds::Every,
    equal_timestamps_keep_insertion_order_across_broadcasts,
    items_added_out_of_order_are_sorted,
    items_a_microsecond_apart_are_ordered for Kinds::Every,
    items_a_millisecond_apart_are_ordered,
    equal_timestamps_are_ordered_by_id_as_a_number,
    a_later_item_with_a_smaller_id_is_newer,
    dates_on_both_sides_of_1970_are_ordered,
];

async fn the_newest_item_is_first(ns: Namespace) {
    let user = ns.user();
    for content in ["first", "second", "third"] {
        ns.add(&user, content).await;
    }
    assert_contents(
        &ns.all(&user).await,
        &["third", "second", "first"],
        "the newest item is first",
    );
}

async fn equal_timestamps_keep_insertion_order(ns: Namespace) {
    let (user, now) = (ns.user(), Utc::now());
    for n in 0..20 {
        ns.add(&user, NewItem::new(n.to_string()).with_created_at(&now)).await;
    }
    let found: Vec<_> = ns.all(&user).await.into_iter().map(|item| item.content).collect();
    let expected: Vec<_> = (0..20).rev().map(|n| n.to_string()).collect();
    assert_eq!(
        found, expected,
        "items of one timestamp keep the order of their insertion, newest first"
    );
}

async fn equal_timestamps_keep_insertion_order_across_broadcasts(ns: Namespace) {
    let (users, now) = (ns.users(3), Utc::now());
    let (mine, all) = (&users[1], &users);
    ns.add(mine, NewItem::new("alone").with_created_at(&now)).await;
    ns.add(all, NewItem::new("broadcast").with_created_at(&now)).await;
    ns.add(mine, NewItem::new("alone again").with_created_at(&now)).await;
    let expected = ["alone again", "broadcast", "alone"];
    assert_contents(&ns.all(mine).await, &expected, "broadcasts and single adds share one order");
}

async fn items_added_out_of_order_are_sorted(ns: Namespace) {
    let (user, now) = (ns.user(), Utc::now());
    for hours in [3, 1, 4, 0, 5, 2] {
        let item = NewItem::new(format!("{hours} h ago"))
            .with_created_at(&(now - TimeDelta::hours(hours)));
        ns.add(&user, item).await;
    }
    let expected = ["0 h ago", "1 h ago", "2 h ago", "3 h ago", "4 h ago", "5 h ago"];
    assert_contents(
        &ns.all(&user).await,
        &expected,
        "items are sorted by created_at, not by their insertion",
    );
}

async fn items_a_microsecond_apart_are_ordered(ns: Namespace) {
    apart(&ns, TimeDelta::microseconds(1)).await;
}

async fn items_a_millisecond_apart_are_ordered(ns: Namespace) {
    apart(&ns, TimeDelta::milliseconds(1)).await;
}

/// The later item is made and added first, so that neither ids nor insertion help.
async fn apart(ns: &Namespace, step: TimeDelta) {
    let now = Utc::now();
    let items: Vec<_> = (0..30)
        .map(|n| NewItem::new(format!("{n} steps ago")).with_created_at(&(now - step * n)))
        .collect();
    let user = ns.user();
    for item in &items {
        ns.add(&user, item.clone()).await;
    }
    let expected: Vec<_> = items.iter().map(crate::compare::stored).collect();
    assert_items(
        &ns.all(&user).await,
        &expected,
        &format!("items {step} apart are ordered by time"),
    );
}

async fn equal_timestamps_are_ordered_by_id_as_a_number(ns: Namespace) {
    let now = Utc::now();
    // As text, as doubles or as 32-bit numbers, some of these would change places.
    let ids = [
        1,
        9,
        10,
        99,
        100,
        255,
        256,
        65_536,
        1 << 31,
        1 << 32,
        1 << 53,
        (1 << 53) + 1,
        i64::MAX - 1,
        i64::MAX,
    ];
    let tie = |id| NewItem::new(format!("{id}")).with_id(item_id(id)).with_created_at(&now);
    let (user, expected) = ns.feed_of(ids.map(tie).to_vec()).await;
    assert_items(
        &ns.all(&user).await,
        &expected,
        "items of one timestamp are ordered by id, as numbers",
    );
}

async fn a_later_item_with_a_smaller_id_is_newer(ns: Namespace) {
    let now = Utc::now();
    let later = NewItem::new("later").with_id(item_id(1)).with_created_at(&now);
    let earlier = NewItem::new("earlier").with_created_at(&(now - TimeDelta::seconds(1)));
    let (user, _) = ns.feed_of(vec![later, earlier]).await;
    assert_contents(
        &ns.all(&user).await,
        &["later", "earlier"],
        "created_at comes before id in the order",
    );
}

async fn dates_on_both_sides_of_1970_are_ordered(ns: Namespace) {
    let micros =
        [-10_000_000, -9_999_999, -1_000_000, -10, -9, -1, 0, 1, 9, 10, 9_999_999, 10_000_000];
    let item = |us: i64| NewItem::new(us.to_string()).with_created_at(&instant(us));
    let (user, expected) = ns.feed_of(micros.map(item).to_vec()).await;
    assert_items(
        &ns.all(&user).await,
        &expected,
        "dates before 1970 are older than those after it",
    );
}
