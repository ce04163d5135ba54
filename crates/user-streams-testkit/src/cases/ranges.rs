//! What lies between two places, and what is newer than one.

use chrono::{TimeDelta, Utc};
use user_streams_core::{
    Cursor, NewItem,
    backend::{Capability, Contains, CountNewer, DeleteRange},
};

use super::optional::assert_as_declared;
use crate::{Kinds, Namespace, case::cases, compare::assert_items, namespace::place};

cases![
    delete_range_works_if_declared for Kinds::Every,
    count_newer_works_if_declared for Kinds::Every,
    contains_works_if_declared for Kinds::Every,
    a_range_lies_between_its_two_places_which_stay; requires DeleteRange,
    a_range_without_bounds_is_the_whole_stream_of_one_user for Kinds::Every; requires DeleteRange,
    a_range_divides_items_of_one_timestamp; requires DeleteRange,
    a_range_between_places_in_the_wrong_order_is_empty; requires DeleteRange,
    newer_items_are_counted_up_to_the_limit for Kinds::Every; requires CountNewer,
    newer_items_are_counted_among_those_of_one_timestamp; requires CountNewer,
    contains_answers_for_each_pair_in_order for Kinds::Every; requires Contains,
    contains_tells_apart_what_differs_in_one_part_alone; requires Contains,
    contains_takes_any_number_of_pairs; requires Contains,
];

impl Namespace {
    async fn delete_range(&self, args: DeleteRange) -> u64 {
        self.backend().delete_range(args).await.expect("a range can be deleted")
    }

    async fn count_newer(&self, query: CountNewer) -> u64 {
        self.backend().count_newer(query).await.expect("newer items can be counted")
    }

    async fn contains(&self, pairs: Vec<(user_streams_core::UserId, Cursor)>) -> Vec<bool> {
        let number = pairs.len();
        let answer = self.backend().contains(Contains::new(pairs)).await;
        let answer = answer.expect("a backend tells what it contains");
        assert_eq!(answer.len(), number, "contains has one answer for each pair");
        answer
    }
}

async fn delete_range_works_if_declared(ns: Namespace) {
    let deleted = ns.backend().delete_range(DeleteRange::new(ns.user())).await;
    assert_as_declared(&ns, Capability::DeleteRange, "delete_range", deleted);
}

async fn count_newer_works_if_declared(ns: Namespace) {
    let counted = ns.backend().count_newer(CountNewer::new(ns.user(), place(0, 1))).await;
    assert_as_declared(&ns, Capability::CountNewer, "count_newer", counted);
}

async fn contains_works_if_declared(ns: Namespace) {
    let contains = ns.backend().contains(Contains::new(vec![(ns.user(), place(0, 1))])).await;
    assert_as_declared(&ns, Capability::Contains, "contains", contains);
}

async fn a_range_lies_between_its_two_places_which_stay(ns: Namespace) {
    let (user, items) = ns.feed(9).await;
    let at = |index: usize| items[index].cursor();
    let range = DeleteRange::new(user.clone()).newer_than(at(6)).older_than(at(3));
    assert_eq!(ns.delete_range(range).await, 2, "a range counts what lies between its places");
    let left = [&items[..4], &items[6..]].concat();
    assert_items(&ns.all(&user).await, &left, "the places of a range stay");
    let newest = DeleteRange::new(user.clone()).newer_than(at(1));
    assert_eq!(ns.delete_range(newest).await, 1, "a range without an end reaches the newest");
    let oldest = DeleteRange::new(user.clone()).older_than(at(7));
    assert_eq!(ns.delete_range(oldest).await, 1, "a range without a start reaches the oldest");
    let left = [&items[1..4], &items[6..8]].concat();
    assert_items(&ns.all(&user).await, &left, "the places of a range stay");
    assert_eq!(ns.len(&user).await, 5, "what was deleted is not counted");
}

async fn a_range_without_bounds_is_the_whole_stream_of_one_user(ns: Namespace) {
    let (users, item) = (ns.users(2), NewItem::new("to both"));
    ns.add(&users, item).await;
    ns.add(&users[0], "to one").await;
    let whole = DeleteRange::new(users[0].clone());
    assert_eq!(ns.delete_range(whole.clone()).await, 2, "a range without bounds is the stream");
    assert_eq!(ns.len(&users[0]).await, 0, "a range without bounds is the whole stream");
    assert_eq!(ns.len(&users[1]).await, 1, "a range is of one user's stream");
    assert_eq!(ns.delete_range(whole).await, 0, "nothing is left to delete");
}

async fn a_range_divides_items_of_one_timestamp(ns: Namespace) {
    let (user, items) = ns.ties(5).await;
    let range =
        DeleteRange::new(user.clone()).newer_than(items[4].cursor()).older_than(items[1].cursor());
    assert_eq!(ns.delete_range(range).await, 2, "items of one timestamp are ordered by their ids");
    let left = [&items[..2], &items[4..]].concat();
    assert_items(&ns.all(&user).await, &left, "items of one timestamp are ordered by their ids");
}

async fn a_range_between_places_in_the_wrong_order_is_empty(ns: Namespace) {
    let (user, items) = ns.feed(5).await;
    for (newer_than, older_than) in [(0, 4), (2, 2), (1, 2)] {
        let range = DeleteRange::new(user.clone())
            .newer_than(items[newer_than].cursor())
            .older_than(items[older_than].cursor());
        assert_eq!(ns.delete_range(range).await, 0, "nothing lies between these places");
    }
    assert_items(&ns.all(&user).await, &items, "nothing lies between these places");
}

async fn newer_items_are_counted_up_to_the_limit(ns: Namespace) {
    let (user, items) = ns.feed(12).await;
    let newer = |index: usize| CountNewer::new(user.clone(), items[index].cursor());
    assert_eq!(ns.count_newer(newer(0)).await, 0, "nothing is newer than the newest");
    assert_eq!(ns.count_newer(newer(5)).await, 5, "the item at the place is not newer");
    assert_eq!(ns.count_newer(newer(11).with_limit(100)).await, 11, "all newer ones are counted");
    assert_eq!(ns.count_newer(newer(11).with_limit(4)).await, 4, "a count stops at its limit");
    assert_eq!(ns.count_newer(newer(11).with_limit(0)).await, 0, "a count stops at its limit");
    let since_ever = CountNewer::new(user.clone(), place(user_streams_core::time::MIN_MICROS, 1));
    assert_eq!(ns.count_newer(since_ever).await, 12, "a place need not be an item's");
    let nobody = CountNewer::new(ns.user(), items[11].cursor());
    assert_eq!(ns.count_newer(nobody).await, 0, "a count is of one user's stream");
}

async fn newer_items_are_counted_among_those_of_one_timestamp(ns: Namespace) {
    let (user, items) = ns.ties(5).await;
    for (at, item) in items.iter().enumerate() {
        assert_eq!(
            ns.count_newer(CountNewer::new(user.clone(), item.cursor())).await,
            at as u64,
            "items of one timestamp are ordered by their ids"
        );
    }
}

async fn contains_answers_for_each_pair_in_order(ns: Namespace) {
    let (users, item, other) = (ns.users(2), NewItem::new("to both"), NewItem::new("to one"));
    ns.add(&users, item.clone()).await;
    ns.add(&users[1], other.clone()).await;
    let pair = |user: usize, item: &NewItem| (users[user].clone(), item.cursor());
    let pairs = vec![
        pair(1, &other),
        pair(0, &other),
        pair(0, &item),
        (ns.user(), item.cursor()),
        pair(1, &other),
        pair(1, &item),
    ];
    assert_eq!(
        ns.contains(pairs).await,
        [true, false, true, false, true, true],
        "contains answers for each pair in the order asked"
    );
    assert!(ns.contains(Vec::new()).await.is_empty(), "no pairs, no answers");
}

async fn contains_tells_apart_what_differs_in_one_part_alone(ns: Namespace) {
    let now = Utc::now();
    let at = |after| NewItem::new("").with_created_at(&(now + TimeDelta::microseconds(after)));
    let (user, items) = ns.feed_of(vec![at(0), at(1)]).await;
    let [newer, older] = [items[0].cursor(), items[1].cursor()];
    let places = [
        newer,
        older,
        Cursor::new(newer.created_at(), older.id()),
        Cursor::new(older.created_at(), newer.id()),
    ];
    let pairs = places.map(|place| (user.clone(), place)).to_vec();
    assert_eq!(
        ns.contains(pairs).await,
        [true, true, false, false],
        "an item is its timestamp and its id"
    );
}

async fn contains_takes_any_number_of_pairs(ns: Namespace) {
    let (user, items) = ns.feed(3).await;
    let mut pairs: Vec<_> = (1..=3_000).map(|id| (user.clone(), place(0, id))).collect();
    pairs[0] = (user.clone(), items[0].cursor());
    pairs[1_500] = (user.clone(), items[1].cursor());
    pairs[2_999] = (user.clone(), items[2].cursor());
    let there: Vec<_> = ns
        .contains(pairs)
        .await
        .iter()
        .enumerate()
        .filter(|(_, is)| **is)
        .map(|(at, _)| at)
        .collect();
    assert_eq!(there, [0, 1_500, 2_999], "contains takes any number of pairs");
}
