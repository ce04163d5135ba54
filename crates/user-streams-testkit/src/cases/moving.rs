//! Moving to another store, and deleting a user from everything.

use std::pin::pin;

use futures_util::future::{Either, select};
use tokio::sync::mpsc;
use user_streams_core::{
    NewItem, Streams, UserId, audience, backend::Capability, everyone, maintenance::Verification,
};

use super::{
    audiences::{items, send},
    subtract::{dismiss, retract},
};
use crate::{Namespace, beside::name, case::cases, compare::assert_items, reading::assert_there};

cases![
    a_copy_has_every_item_and_mark; requires Feeds Marks BulkAdd ListUsers DeleteStream,
    a_copy_that_stopped_goes_on; requires Feeds BulkAdd ListUsers,
    a_verification_names_who_differs; requires Feeds Marks BulkAdd ListUsers RemoveStreamItem
        DeleteStream,
    a_copy_has_what_audiences_have_and_what_is_hidden; requires Feeds BulkAdd ListUsers,
    a_verification_counts_what_differs_beside_the_users; requires Feeds BulkAdd ListUsers
        RemoveStreamItem,
    everything_of_a_user_is_deleted; requires Feeds Marks DeleteStream,
];

async fn fill(ns: &Namespace, feed: &Streams, users: usize) -> Vec<UserId> {
    let users = ns.users(users);
    for (at, user) in users.iter().enumerate() {
        let rows = (0..=at % 7).map(|n| (user, NewItem::new(format!("item {n} of {at}"))));
        feed.bulk_add(rows).await.expect("rows are added");
    }
    let long = (0..700).map(|n| (&users[0], NewItem::new(n.to_string())));
    feed.bulk_add(long).await.expect("rows are added");
    let shared = NewItem::new("to all");
    feed.add_stream_item(&users, shared).await.expect("a feed takes items");
    users
}

async fn verify(from: &Streams, to: &Streams) -> Verification {
    from.verify_copy(to).await.expect("two stores are compared")
}

async fn a_copy_has_every_item_and_mark(ns: Namespace) {
    let [from, to] = ns.alone(["copied", "copy"]).await;
    let users = fill(&ns, &from, 30).await;
    let marked = from.get_stream_items(&users[1]);
    marked.mark_read().await.expect("a mark can be set");
    let second = marked.get(1).await.expect("a stream is read").expect("there are two items");
    if ns.has(Capability::RemoveStreamItem) && ns.has(Capability::DeleteRange) {
        marked.mark_item_unread(second.cursor()).await.expect("an item can be unread");
    }
    let copied = from.copy_to(&to).await.expect("streams are copied");
    assert_eq!(copied.added, copied.items, "each item of a copy is new");
    for user in &users {
        let items = from.get_stream_items(user).await.expect("a stream is read");
        let copy = to.get_stream_items(user).await.expect("a stream is read");
        assert_items(&copy, &items, "a copy has every item");
    }
    let marks = [&from, &to].map(|streams| streams.get_stream_items(&users[1]));
    let place = marks[1].read_up_to().await.expect("a mark");
    assert_eq!(marks[0].read_up_to().await.expect("a mark"), place, "a copy has every mark");
    let unread = [marks[0].unread(9).await, marks[1].unread(9).await].map(Result::ok);
    assert_eq!(unread[0], unread[1], "a copy has the marks of single items");
    assert!(verify(&from, &to).await.is_same(), "a copy is the same");
    let again = from.copy_to(&to).await.expect("streams are copied");
    assert_eq!(again.added, 0, "a second copy has no effect");
}

async fn a_copy_that_stopped_goes_on(ns: Namespace) {
    let [from, to] = ns.alone(["stopped", "resumed"]).await;
    let users = fill(&ns, &from, 300).await;
    let ((report, mut reports), mut last) = (mpsc::unbounded_channel(), None);
    {
        let copy = from.copy_to(&to).on_progress(move |copied| {
            let _ = report.send(copied.next.clone());
        });
        match select(copy.into_future(), pin!(reports.recv())).await {
            // It was too quick to be stopped.
            Either::Left((done, _)) => drop(done.expect("streams are copied")),
            Either::Right((place, _)) => last = place.flatten(),
        }
    }
    let last = last.or_else(|| reports.try_recv().ok().flatten());
    let rest = from.copy_to(&to);
    // A backend may list more users at once than it was asked for.
    if let Some(place) = last {
        let rest = rest.after(place).await.expect("a copy goes on");
        let users = rest.users;
        assert!(users < 300, "a copy goes on where it stopped, not with {users} users");
    } else {
        rest.await.expect("a copy goes on");
    }
    for user in &users {
        let items = from.get_stream_items(user).await.expect("a stream is read");
        let copy = to.get_stream_items(user).await.expect("a stream is read");
        assert_items(&copy, &items, "a copy that stopped goes on and has every item");
    }
}

async fn a_verification_names_who_differs(ns: Namespace) {
    let [from, to] = ns.alone(["first", "second"]).await;
    let users = fill(&ns, &from, 8).await;
    from.copy_to(&to).await.expect("streams are copied");
    assert!(verify(&from, &to).await.is_same(), "a copy is the same");
    let items = from.get_stream_items(&users[2]).await.expect("a stream is read");
    to.remove_stream_item(&users[2], items[1].cursor()).await.expect("an item is removed");
    to.add_stream_item(&users[3], "more").await.expect("a feed takes items");
    from.get_stream_items(&users[4]).mark_seen().await.expect("a mark can be set");
    let alone = ns.user();
    to.add_stream_item(&alone, "only there").await.expect("a feed takes items");
    let found = verify(&from, &to).await;
    let mut named = found.named.clone();
    let mut expected = vec![users[2].clone(), users[3].clone(), users[4].clone(), alone];
    named.sort_unstable();
    expected.sort_unstable();
    assert_eq!(named, expected, "a verification names who differs and nobody else");
    assert_eq!(found.different, 4, "a verification counts who differs");
}

/// Some audiences, and some items that are hidden; also for who has no item.
async fn fill_beside(ns: &Namespace, feed: &Streams) -> ([UserId; 2], String, Vec<NewItem>) {
    let (users, a, items) = ([ns.user(), ns.user()], name("a"), items(9));
    for item in &items[..6] {
        send(feed, [everyone()], item.clone()).await;
    }
    for item in &items[4..] {
        send(feed, [audience(&a)], item.clone()).await;
    }
    feed.add_stream_item(&users[0], items[8].clone()).await.expect("a feed takes items");
    dismiss(feed, &users[0], items[8].cursor()).await;
    dismiss(feed, &users[1], items[0].cursor()).await;
    retract(feed, items[1].cursor()).await;
    retract(feed, NewItem::new("not there").cursor()).await;
    (users, a, items)
}

async fn a_copy_has_what_audiences_have_and_what_is_hidden(ns: Namespace) {
    let [from, to] = ns.alone(["beside", "beside_b"]).await;
    let (users, a, items) = fill_beside(&ns, &from).await;
    from.copy_to(&to).await.expect("streams are copied");
    for user in &users {
        let read = |streams: &Streams| streams.get_stream_items(user).with_audiences([&a]);
        let expected = read(&from).await.expect("a merged stream is read");
        let promise = "a copy has what audiences have, without what is hidden";
        assert_there(&read(&to), &expected, promise).await;
    }
    assert!(verify(&from, &to).await.is_same(), "a copy is the same");
    let again = from.copy_to(&to).await.expect("streams are copied");
    assert_eq!(again.added, 0, "a second copy has no effect");
    let promise = "what is hidden is hidden in a copy";
    assert!(!dismiss(&to, &users[1], items[0].cursor()).await, "{promise}");
    assert!(!retract(&to, items[1].cursor()).await, "{promise}");
}

async fn a_verification_counts_what_differs_beside_the_users(ns: Namespace) {
    let [from, to] = ns.alone(["compare", "compare_b"]).await;
    let (users, a, items) = fill_beside(&ns, &from).await;
    let beside = async || {
        let found = verify(&from, &to).await;
        assert_eq!(found.different, 0, "what users have is the same");
        found.beside
    };
    from.copy_to(&to).await.expect("streams are copied");
    assert_eq!(beside().await, 0, "a copy is the same");
    let removed = to.remove_stream_item(audience(&a), items[7].cursor()).await;
    removed.expect("an item is removed");
    assert_eq!(beside().await, 1, "a verification counts an audience that differs");
    let undone = to.get_stream_items(&users[0]).undismiss(items[8].cursor()).await;
    undone.expect("a dismissal is undone");
    assert_eq!(beside().await, 2, "a verification counts whose dismissals differ");
    from.unretract(items[1].cursor()).await.expect("a retraction is undone");
    assert_eq!(beside().await, 3, "a verification counts that retractions differ");
    send(&to, [audience(name("b"))], "only there").await;
    // Once for each copy of it.
    let found = beside().await;
    assert!(found >= 4, "a verification counts an audience that is only there: {found}");
}

async fn everything_of_a_user_is_deleted(ns: Namespace) {
    let streams = ns.with_feeds().await;
    let (users, news) = (ns.users(2), streams.feed("news").expect("the feed is declared"));
    for of in [&streams, &news] {
        of.add_stream_item(&users, "item").await.expect("a feed takes items");
        for user in &users {
            of.get_stream_items(user).mark_read().await.expect("a mark can be set");
        }
    }
    let deleted = streams.delete_user(&users[0]).await.expect("a user is deleted");
    assert_eq!(deleted, 2, "a deleted user's items are counted in every feed");
    for of in [&streams, &news] {
        let [gone, other] = [0, 1].map(|at| of.get_stream_items(&users[at]));
        assert_eq!(gone.count().await.expect("a count"), 0, "a user is deleted from every feed");
        assert_eq!(gone.read_up_to().await.expect("a mark"), None, "marks of a user are deleted");
        assert_eq!(other.count().await.expect("a count"), 1, "nobody else is deleted");
        assert!(other.read_up_to().await.expect("a mark").is_some(), "nobody else is deleted");
    }
}
