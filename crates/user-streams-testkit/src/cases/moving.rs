//! Moving to another store, and deleting a user from everything.

use std::pin::pin;

use futures_util::{
    TryStreamExt,
    future::{Either, select},
};
use tokio::sync::mpsc;
use user_streams_core::{NewItem, Streams, UserId, backend::Capability, maintenance::Verification};

use crate::{Namespace, case::cases, compare::assert_items};

cases![
    a_copy_has_every_item_and_mark; requires Feeds Marks BulkAdd ListUsers DeleteStream,
    a_copy_that_stopped_goes_on; requires Feeds BulkAdd ListUsers,
    a_verification_names_who_differs; requires Feeds Marks BulkAdd ListUsers RemoveStreamItem
        DeleteStream,
    everything_of_a_user_is_deleted; requires Feeds Marks DeleteStream,
];

/// Two feeds, so that no other case's users are copied or compared.
async fn two_feeds(ns: &Namespace, names: [&str; 2]) -> [Streams; 2] {
    let streams = Streams::from_backend(ns.backend().clone()).with_use_utc(true);
    let streams = streams.with_feeds(names).expect("a backend of feeds has these");
    let item_marks = ns.has(Capability::RemoveStreamItem) && ns.has(Capability::DeleteRange);
    let streams = streams.with_item_marks(item_marks).expect("a backend of feeds has these");
    if ns.has(Capability::Migrate) {
        streams.migrate().await.expect("feeds can be migrated");
    }
    let feeds = names.map(|name| streams.feed(name).expect("the feed is declared"));
    for feed in &feeds {
        // What an earlier run has left.
        if ns.has(Capability::DeleteStream) {
            let users: Vec<_> = feed.users().try_collect().await.expect("users are listed");
            for user in users {
                feed.delete_user(&user).await.expect("a user is deleted");
            }
        }
    }
    feeds
}

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
    let [from, to] = two_feeds(&ns, ["copied", "copy"]).await;
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
    let [from, to] = two_feeds(&ns, ["stopped", "resumed"]).await;
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
    let [from, to] = two_feeds(&ns, ["first", "second"]).await;
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
