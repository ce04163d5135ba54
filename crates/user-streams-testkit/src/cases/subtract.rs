//! What is hidden: by one user who dismisses it, or for all by a retraction.

use futures_util::{StreamExt, TryStreamExt, stream};
use user_streams_core::{
    Cursor, Error, ErrorKind, NewItem, StreamItem, Streams, UserId, audience, backend::Capability,
    everyone,
};

use super::audiences::{items, send};
use crate::{
    Kinds, Namespace,
    beside::name,
    case::cases,
    compare::{assert_items, newest_first},
    reading::assert_there,
};

cases![
    what_a_user_dismisses_is_gone_for_that_user_alone for Kinds::Every; requires Feeds,
    what_is_retracted_is_gone_for_all; requires Feeds,
    what_was_hidden_is_there_again; requires Feeds RemoveStreamItem,
    what_is_hidden_does_not_count; requires Feeds,
    pages_pass_over_many_hidden_items; requires Feeds,
    a_deleted_user_has_dismissed_nothing; requires Feeds DeleteStream,
];

pub(super) async fn dismiss(streams: &Streams, user: &UserId, item: Cursor) -> bool {
    let dismissed = streams.get_stream_items(user).dismiss(item).await;
    dismissed.expect("an item can be dismissed")
}

pub(super) async fn retract(streams: &Streams, item: Cursor) -> bool {
    streams.retract(item).await.expect("an item can be retracted")
}

pub(super) async fn read(streams: &Streams, user: &UserId) -> Vec<StreamItem> {
    streams.get_stream_items(user).await.expect("a stream is read")
}

/// The items without those at these places.
fn without(items: &[NewItem], hidden: &[usize]) -> Vec<StreamItem> {
    let there = items.iter().enumerate().filter(|(n, _)| !hidden.contains(n));
    newest_first(there.map(|(_, item)| item))
}

#[track_caller]
fn assert_off(setting: &str, error: &Error) {
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{setting} are off: {error}");
    assert!(error.message().contains(setting), "the error names the setting: {error}");
}

/// Items of which some are the users' own, some everyone's and some an audience's, and its name.
async fn fill(streams: &Streams, users: &[UserId], items: &[NewItem]) -> String {
    let a = name("a");
    for (n, item) in items.iter().enumerate() {
        match n % 3 {
            0 => {
                let added = streams.add_stream_item(users, item.clone()).await;
                added.expect("a feed takes items");
            }
            1 => _ = send(streams, [everyone()], item.clone()).await,
            _ => _ = send(streams, [everyone(), audience(&a)], item.clone()).await,
        }
    }
    a
}

async fn what_a_user_dismisses_is_gone_for_that_user_alone(ns: Namespace) {
    let [streams] = ns.alone(["dismiss"]).await;
    let (users, items) = (ns.users(2), items(12));
    let a = fill(&streams, &users, &items).await;
    let promise = "what a user dismisses is gone for that user";
    for n in [0, 4, 5, 11] {
        let item = items[n].cursor();
        assert!(dismiss(&streams, &users[0], item).await, "an item is dismissed");
        assert!(!dismiss(&streams, &users[0], item).await, "an item is dismissed once");
    }
    let left = without(&items, &[0, 4, 5, 11]);
    let [mine, others] = [0, 1].map(|at| streams.get_stream_items(&users[at]));
    assert_there(&mine.with_audiences([&a]), &left, promise).await;
    let all = newest_first(&items);
    assert_there(&others.with_audiences([&a]), &all, "nobody else misses it").await;
    // Again, and from elsewhere.
    streams.add_stream_item(&users, items[0].clone()).await.expect("a feed takes items");
    send(&streams, [everyone(), audience(&a)], items[4].clone()).await;
    assert_there(&mine.with_audiences([&a]), &left, "a retried add stays dismissed").await;
    let to_come = NewItem::new("to come");
    assert!(
        dismiss(&streams, &users[0], to_come.cursor()).await,
        "an item that is to come is, too"
    );
    send(&streams, [everyone()], to_come).await;
    assert_items(&read(&streams, &users[0]).await, &left, promise);
    let off = ns.streams().get_stream_items(&users[0]).dismiss(items[1].cursor()).await;
    assert_off("`dismissals`", &off.expect_err("dismissals are off"));
    let off = ns.streams().get_stream_items(&users[0]).undismiss(items[1].cursor()).await;
    assert_off("`dismissals`", &off.expect_err("dismissals are off"));
}

async fn what_is_retracted_is_gone_for_all(ns: Namespace) {
    let [streams] = ns.alone(["retract"]).await;
    let (users, items) = (ns.users(2), items(12));
    let a = fill(&streams, &users, &items).await;
    for n in [0, 4, 5] {
        assert!(retract(&streams, items[n].cursor()).await, "an item is retracted");
        assert!(!retract(&streams, items[n].cursor()).await, "an item is retracted once");
    }
    let (left, promise) = (without(&items, &[0, 4, 5]), "what is retracted is gone for all");
    for user in &users {
        let all = streams.get_stream_items(user).with_audiences([&a]);
        assert_there(&all, &left, promise).await;
    }
    // To who has it, to who has not, and to an audience.
    let late = ns.user();
    streams.add_stream_item([&users[0], &late], items[0].clone()).await.expect("an add");
    send(&streams, [audience(&a)], items[0].clone()).await;
    let all = streams.get_stream_items(&users[0]).with_audiences([&a]);
    assert_there(&all, &left, "a retried add stays retracted").await;
    let found = read(&streams, &late).await;
    assert_items(&found, &without(&items, &[0, 3, 4, 5, 6, 9]), "a retried add stays retracted");
    let off = ns.streams().retract(items[1].cursor()).await;
    assert_off("`retractions`", &off.expect_err("retractions are off"));
    let off = ns.streams().unretract(items[1].cursor()).await;
    assert_off("`retractions`", &off.expect_err("retractions are off"));
}

async fn what_was_hidden_is_there_again(ns: Namespace) {
    let [streams] = ns.alone(["undone"]).await;
    let (user, items) = (ns.user(), items(6));
    fill(&streams, std::slice::from_ref(&user), &items).await;
    for n in [0, 1] {
        dismiss(&streams, &user, items[n].cursor()).await;
    }
    for n in [1, 2, 3] {
        retract(&streams, items[n].cursor()).await;
    }
    let hidden = without(&items, &[0, 1, 2, 3]);
    assert_items(&read(&streams, &user).await, &hidden, "what is hidden is not there");
    let undismiss = async |n: usize| {
        let undone = streams.get_stream_items(&user).undismiss(items[n].cursor()).await;
        undone.expect("a dismissal is undone")
    };
    let unretract = async |n: usize| {
        streams.unretract(items[n].cursor()).await.expect("a retraction is undone")
    };
    assert!(undismiss(0).await && undismiss(1).await, "a dismissal is undone");
    assert!(!undismiss(0).await && !undismiss(4).await, "what is not dismissed says so");
    let promise = "what was hidden is there again";
    let all = streams.get_stream_items(&user);
    assert_there(&all, &without(&items, &[1, 2, 3]), promise).await;
    assert!(unretract(1).await && unretract(2).await, "a retraction is undone");
    assert!(!unretract(1).await && !unretract(4).await, "what is not retracted says so");
    assert_there(&all, &without(&items, &[3]), promise).await;
    assert!(dismiss(&streams, &user, items[0].cursor()).await, "it can be hidden again");
    assert_there(&all, &without(&items, &[0, 3]), "it can be hidden again").await;
}

async fn what_is_hidden_does_not_count(ns: Namespace) {
    let [streams] = ns.alone(["count"]).await;
    let (user, items) = (ns.user(), items(12));
    let a = fill(&streams, std::slice::from_ref(&user), &items).await;
    let newest = newest_first(&items);
    let hidden = [0, 1, 4, 5, 9].map(|at| newest[at].cursor());
    for (n, item) in hidden.iter().enumerate() {
        // The fourth is hidden twice.
        if n < 3 || n == 4 {
            dismiss(&streams, &user, *item).await;
        }
        if n >= 2 {
            retract(&streams, *item).await;
        }
    }
    let left: Vec<_> = newest.iter().filter(|i| !hidden.contains(&i.cursor())).cloned().collect();
    let items = |streams: &Streams| streams.get_stream_items(&user).with_audiences([&a]);
    for max_len in [0, 1, 3, 6, 7, 8] {
        let shorter = items(&streams.clone().with_max_len(max_len));
        let there = &left[..usize::try_from(max_len).unwrap_or_default().min(7)];
        assert_there(&shorter, there, "`max_len` counts what is there").await;
    }
    let all = items(&streams);
    let unread = async |limit| all.unread(limit).await.expect("unread items are counted");
    let promise = "what is hidden is not unread";
    assert_eq!((unread(100).await, unread(7).await, unread(6).await), (7, 7, 6), "{promise}");
    // The newest two are hidden.
    all.mark_read().await.expect("a mark can be set");
    let place = all.read_up_to().await.expect("a mark");
    let promise = "a mark goes to the newest item that is not hidden";
    assert_eq!(place, Some(left[0].cursor()), "{promise}");
    assert_eq!(unread(100).await, 0, "what is hidden is not unread");
    all.mark_read().up_to(newest[6].cursor()).back().await.ok();
    if ns.has(Capability::RemoveStreamItem) && ns.has(Capability::DeleteRange) {
        let promise = "a single item that is hidden does not count";
        assert_eq!(unread(100).await, 2, "{promise}");
        all.mark_item_read(newest[5].cursor()).await.expect("an item can be read");
        all.mark_item_unread(newest[9].cursor()).await.expect("an item can be unread");
        all.mark_item_unread(newest[8].cursor()).await.expect("an item can be unread");
        assert_eq!(unread(100).await, 3, "{promise}");
    }
    let since = all.since(newest[11].created_at).until(newest[0].created_at);
    let there = newest.iter().filter(|item| item.created_at < newest[0].created_at);
    let there: Vec<_> = there.filter(|i| !hidden.contains(&i.cursor())).cloned().collect();
    assert_there(&since, &there, "what is hidden is no part of a part").await;
}

/// More than a page has, and more than is read at a time.
async fn pages_pass_over_many_hidden_items(ns: Namespace) {
    let [streams] = ns.alone(["many"]).await;
    let (user, items) = (ns.user(), items(700));
    let (own, shared): (Vec<_>, Vec<_>) = items.iter().enumerate().partition(|(n, _)| n % 50 > 0);
    let rows = own.into_iter().map(|(_, item)| (&user, item.clone()));
    streams.bulk_add(rows).await.expect("rows are added");
    for (_, item) in shared {
        send(&streams, [everyone()], item.clone()).await;
    }
    let newest = newest_first(&items);
    let is_hidden = |at: usize| matches!(at, 0..2 | 5..310 | 312..317 | 690..700);
    let hide = |at: usize| {
        let (streams, user, item) = (streams.clone(), user.clone(), newest[at].cursor());
        async move {
            match at {
                312..317 => streams.retract(item).await,
                _ => streams.get_stream_items(&user).dismiss(item).await,
            }
        }
    };
    let hidden: Vec<_> = (0..700).filter(|at| is_hidden(*at)).map(hide).collect();
    let hiding: Result<Vec<_>, _> = stream::iter(hidden).buffer_unordered(8).try_collect().await;
    hiding.expect("items can be hidden");
    let left: Vec<_> = (0..700).filter(|at| !is_hidden(*at)).map(|at| newest[at].clone()).collect();
    let (all, promise) = (streams.get_stream_items(&user), "pages pass over hidden items");
    assert_there(&all, &left, promise).await;
    for limit in [1, 2, 9] {
        let down = all.cursor_page(limit).after(newest[4].cursor()).await.expect("a page");
        assert_items(&down.items, &left[3..3 + limit], promise);
        let inside = all.cursor_page(limit).after(newest[99].cursor()).await.expect("a page");
        assert_items(&inside.items, &left[3..3 + limit], promise);
        let up = all.cursor_page(limit).before(newest[317].cursor()).await.expect("a page");
        let (first, last) = (5_usize.saturating_sub(limit), 5);
        assert_items(&up.items, &left[first..last], promise);
        assert_eq!(up.previous.is_some(), first > 0, "{promise}: there may be more");
        let slice = all.slice(1..1 + limit).await.expect("a slice");
        assert_items(&slice, &left[1..=limit], promise);
    }
    let end = all.cursor_page(9).after(newest[689].cursor()).await.expect("a page");
    assert!(end.items.is_empty() && end.next.is_none(), "{promise} at the end");
    let begin = all.cursor_page(9).before(newest[2].cursor()).await.expect("a page");
    assert!(begin.items.is_empty() && begin.previous.is_none(), "{promise} at the beginning");
    let shorter = streams.with_max_len(4).get_stream_items(&user);
    assert_there(&shorter, &left[..4], "`max_len` counts what is there").await;
}

async fn a_deleted_user_has_dismissed_nothing(ns: Namespace) {
    let [streams] = ns.alone(["deleted"]).await;
    let (users, items) = (ns.users(2), items(6));
    fill(&streams, &users, &items).await;
    for user in &users {
        for n in [0, 1] {
            dismiss(&streams, user, items[n].cursor()).await;
        }
    }
    streams.delete_user(&users[0]).await.expect("a user is deleted");
    let promise = "a deleted user has dismissed nothing";
    let everyones = without(&items, &[0, 3]);
    assert_items(&read(&streams, &users[0]).await, &everyones, promise);
    streams.add_stream_item(&users[0], items[0].clone()).await.expect("a feed takes items");
    assert_items(&read(&streams, &users[0]).await, &without(&items, &[3]), promise);
    let others = read(&streams, &users[1]).await;
    assert_items(&others, &without(&items, &[0, 1]), "nobody else is deleted");
}
