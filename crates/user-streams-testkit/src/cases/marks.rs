//! Marks: a place for each user and name.

use futures_util::future::join_all;
use user_streams_core::{
    Cursor, Name, UserId,
    backend::{Capability, CountNewer, MarkQuery, SetMark},
};

use super::optional::assert_as_declared;
use crate::{Kinds, Namespace, case::cases, namespace::place};

cases![
    marks_work_if_declared for Kinds::Every,
    a_mark_is_of_one_user_and_name for Kinds::Every; requires Marks,
    a_mark_moves_forward_alone; requires Marks,
    a_mark_moves_back_if_that_is_asked; requires Marks,
    a_mark_can_be_removed; requires Marks,
    marks_are_ordered_as_items_are; requires Marks,
    of_marks_set_at_once_the_furthest_stays; requires Marks,
    a_mark_is_independent_of_the_items; requires Marks DeleteStream,
    what_is_newer_than_a_mark_is_counted_up_to_the_limit; requires Marks CountNewer,
    a_mark_is_seen_by_every_connection over Several; requires Marks Durable,
];

fn name(text: &str) -> Name {
    text.parse().expect("a name")
}

impl Namespace {
    async fn mark(&self, user: &UserId, mark: &str) -> Option<Cursor> {
        let query = MarkQuery::new(user.clone(), name(mark));
        self.backend().mark(query).await.expect("a mark can be read")
    }

    async fn set_mark(&self, args: SetMark) -> bool {
        self.backend().set_mark(args).await.expect("a mark can be set")
    }

    async fn move_mark(&self, user: &UserId, mark: &str, to: Cursor) -> bool {
        self.set_mark(SetMark::new(user.clone(), name(mark), to)).await
    }
}

async fn marks_work_if_declared(ns: Namespace) {
    let query = MarkQuery::new(ns.user(), name("seen"));
    assert_as_declared(&ns, Capability::Marks, "mark", ns.backend().mark(query).await);
    let args = SetMark::new(ns.user(), name("seen"), place(1, 1));
    assert_as_declared(&ns, Capability::Marks, "set_mark", ns.backend().set_mark(args).await);
}

async fn a_mark_is_of_one_user_and_name(ns: Namespace) {
    let (user, other) = (ns.user(), ns.user());
    assert_eq!(ns.mark(&user, "seen").await, None, "a mark that was never set is nowhere");
    assert!(ns.move_mark(&user, "seen", place(5, 1)).await, "a first mark moves");
    assert!(ns.move_mark(&user, "read", place(3, 1)).await, "a first mark moves");
    assert!(ns.move_mark(&other, "seen", place(4, 1)).await, "a first mark moves");
    assert_eq!(ns.mark(&user, "seen").await, Some(place(5, 1)), "a mark is of one user and name");
    assert_eq!(ns.mark(&user, "read").await, Some(place(3, 1)), "a mark is of one user and name");
    assert_eq!(ns.mark(&other, "seen").await, Some(place(4, 1)), "a mark is of one user and name");
    assert_eq!(ns.mark(&other, "read").await, None, "a mark is of one user and name");
}

async fn a_mark_moves_forward_alone(ns: Namespace) {
    let user = ns.user();
    ns.move_mark(&user, "seen", place(5, 5)).await;
    for behind in [place(5, 5), place(5, 4), place(4, 9)] {
        assert!(!ns.move_mark(&user, "seen", behind).await, "a mark that stays says so");
        assert_eq!(ns.mark(&user, "seen").await, Some(place(5, 5)), "a mark never moves back");
    }
    assert!(ns.move_mark(&user, "seen", place(6, 1)).await, "a mark that moves says so");
    assert_eq!(ns.mark(&user, "seen").await, Some(place(6, 1)), "a mark moves forward");
}

async fn a_mark_moves_back_if_that_is_asked(ns: Namespace) {
    let user = ns.user();
    let back = |to| SetMark::new(user.clone(), name("seen"), to).with_back(true);
    assert!(ns.set_mark(back(place(5, 5))).await, "a first mark moves");
    assert!(ns.set_mark(back(place(5, 4))).await, "a mark moves back if that is asked");
    assert_eq!(ns.mark(&user, "seen").await, Some(place(5, 4)), "it moves back if that is asked");
    assert!(!ns.set_mark(back(place(5, 4))).await, "a mark that stays says so");
    assert!(ns.set_mark(back(place(7, 1))).await, "and forward as well");
    assert_eq!(ns.mark(&user, "seen").await, Some(place(7, 1)), "and forward as well");
}

async fn a_mark_can_be_removed(ns: Namespace) {
    let user = ns.user();
    ns.move_mark(&user, "seen", place(5, 5)).await;
    ns.move_mark(&user, "read", place(5, 5)).await;
    let remove = || SetMark::remove(user.clone(), name("seen"));
    assert!(ns.set_mark(remove()).await, "a mark that was there is removed");
    assert!(!ns.set_mark(remove()).await, "a mark that was not there is not");
    assert_eq!(ns.mark(&user, "seen").await, None, "a removed mark is nowhere");
    assert_eq!(ns.mark(&user, "read").await, Some(place(5, 5)), "no other mark is removed");
    assert!(ns.move_mark(&user, "seen", place(1, 1)).await, "a removed mark begins anew");
}

async fn marks_are_ordered_as_items_are(ns: Namespace) {
    let user = ns.user();
    let (min, max) = (user_streams_core::time::MIN_MICROS, user_streams_core::time::MAX_MICROS);
    let places = [(min, 1), (-1, i64::MAX), (0, 1), (0, 256), (1, 2), (255, 1), (256, 1), (max, 7)];
    for (micros, id) in places {
        let to = place(micros, id);
        assert!(ns.move_mark(&user, "seen", to).await, "marks are ordered by timestamp, then id");
        assert_eq!(ns.mark(&user, "seen").await, Some(to), "a mark is exact");
    }
}

async fn of_marks_set_at_once_the_furthest_stays(ns: Namespace) {
    let user = ns.user();
    for round in 0..10 {
        let at = |step: i64| place(round * 100 + (step * 7) % 32, step + 1);
        let furthest = (0..32).map(at).max();
        join_all((0..32).map(|step| ns.move_mark(&user, "seen", at(step)))).await;
        assert_eq!(ns.mark(&user, "seen").await, furthest, "the furthest of several marks stays");
    }
}

async fn a_mark_is_independent_of_the_items(ns: Namespace) {
    let (user, items) = ns.feed(2).await;
    ns.move_mark(&user, "seen", items[0].cursor()).await;
    ns.streams().delete_stream(&user).await.expect("a stream is deleted");
    assert_eq!(ns.mark(&user, "seen").await, Some(items[0].cursor()), "a mark outlives its item");
    assert_eq!(ns.len(&user).await, 0, "a mark is no item");
}

async fn what_is_newer_than_a_mark_is_counted_up_to_the_limit(ns: Namespace) {
    let (user, items) = ns.ties(9).await;
    let newer = async |user: &UserId, mark: &str, limit: u64| {
        let query = CountNewer::than_mark(user.clone(), name(mark)).with_limit(limit);
        ns.backend().count_newer(query).await.expect("what is newer than a mark can be counted")
    };
    let everything = "everything is newer than a mark that was never set";
    assert_eq!(newer(&user, "seen", 100).await, 9, "{everything}");
    assert_eq!(newer(&user, "seen", 4).await, 4, "a count from a mark stops at its limit");
    ns.move_mark(&user, "seen", items[5].cursor()).await;
    ns.move_mark(&ns.user(), "seen", items[0].cursor()).await;
    assert_eq!(newer(&user, "seen", 100).await, 5, "what is newer than a mark is counted");
    assert_eq!(newer(&user, "seen", 2).await, 2, "a count from a mark stops at its limit");
    assert_eq!(newer(&user, "seen", 0).await, 0, "a count from a mark stops at its limit");
    assert_eq!(newer(&user, "read", 100).await, 9, "{everything}");
    assert_eq!(newer(&ns.user(), "seen", 100).await, 0, "a count is of one user's stream");
    ns.move_mark(&user, "seen", items[0].cursor()).await;
    assert_eq!(newer(&user, "seen", 100).await, 0, "nothing is newer than a mark at the newest");
}

async fn a_mark_is_seen_by_every_connection(ns: Namespace) {
    let (user, other) = (ns.user(), ns.reconnect().await);
    ns.move_mark(&user, "seen", place(5, 1)).await;
    assert_eq!(other.mark(&user, "seen").await, Some(place(5, 1)), "every connection sees a mark");
    other.move_mark(&user, "seen", place(6, 1)).await;
    assert!(!ns.move_mark(&user, "seen", place(5, 9)).await, "every connection sees a mark");
}
