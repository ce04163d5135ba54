//! What of an audience is there: since a user has joined, within the bounds of the merged stream,
//! and beyond the marks.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use user_streams_core::{
    Cursor, Membership, NewItem, StreamItems, Streams, audience, backend::Capability, everyone,
};

use super::{audiences::send, retention::dated};
use crate::{
    Namespace,
    beside::name,
    case::cases,
    compare::{assert_items, newest_first},
    namespace::{item_at, item_id},
    reading::assert_there,
};

cases![
    an_audience_is_there_since_its_member_joined; requires Feeds,
    the_bounds_are_those_of_the_merged_stream; requires Feeds,
    marks_are_of_the_merged_stream; requires Feeds,
];

async fn an_audience_is_there_since_its_member_joined(ns: Namespace) {
    let [streams] = ns.alone(["since"]).await;
    let (user, [a, b], items) = (ns.user(), ["a", "b"].map(name), dated(&[0, 1, 2, 3, 4, 5]));
    for (n, item) in items.iter().enumerate() {
        let to = [everyone(), audience(&a), audience(&b)];
        send(&streams, [to[n % 3].clone()], item.clone()).await;
    }
    // To both, and so there for who has joined one of them.
    let both = NewItem::new("to a and b").with_created_at(&items[4].created_at());
    send(&streams, [audience(&a), audience(&b)], both.clone()).await;
    let at = |n: usize| items[n].created_at();
    // There is no place of its instant before it.
    let first = item_at(Cursor::new(at(1), item_id(1)), "first");
    send(&streams, [audience(&a)], first.clone()).await;
    let all = streams.get_stream_items(&user);
    let there = |memberships: Vec<Membership>| all.with_audiences(memberships);
    let promise = "an audience is there since its member joined";
    let since_both = there(vec![audience(&a).since(at(1)), audience(&b).since(at(4))]);
    let mut expected = newest_first([&items[0], &items[1], &first, &items[2], &items[3], &both]);
    assert_there(&since_both, &expected, promise).await;
    expected.retain(|item| item.cursor() != both.cursor());
    let later = at(4) + TimeDelta::microseconds(1);
    let after = there(vec![audience(&a).since(later), audience(&b).since(later)]);
    assert_there(&after, &expected, "what is a microsecond older is not there").await;
    let registered = there(vec![everyone().since(at(2)), audience(&a).into()]);
    let expected = newest_first([&items[0], &items[1], &first, &items[4], &both]);
    assert_there(&registered, &expected, "everyone is there since a user registered").await;
    let last = since_both.with_audiences([audience(&b).since(at(2))]);
    let last = last.with_audiences([audience(&a).since(Utc::now())]);
    let expected = newest_first([&items[0], &items[2], &items[3]]);
    assert_there(&last, &expected, "what is said last of an audience holds").await;
    streams.add_stream_item(&user, items[5].clone()).await.expect("a feed takes items");
    let newcomer = all.with_audiences([everyone().since(Utc::now())]);
    let own = newest_first([&items[5]]);
    assert_there(&newcomer, &own, "what is a user's own is there, however old").await;
}

async fn the_bounds_are_those_of_the_merged_stream(ns: Namespace) {
    let [streams] = ns.alone(["bounds"]).await;
    let (user, a) = (ns.user(), name("a"));
    let items = dated(&[-3, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    for (n, item) in items.iter().enumerate() {
        match n % 3 {
            0 => _ = send(&streams, [everyone()], item.clone()).await,
            1 => _ = send(&streams, [audience(&a)], item.clone()).await,
            _ => {
                let added = streams.add_stream_item(&user, item.clone()).await;
                added.expect("a feed takes items");
            }
        }
    }
    let all = newest_first(&items);
    let read =
        |streams: &Streams| -> StreamItems { streams.get_stream_items(&user).with_audiences([&a]) };
    for max_len in [0, 1, 4, 11, 12, 13] {
        let streams = streams.clone().with_max_len(max_len as u64);
        let there = &all[..max_len.min(12)];
        assert_there(&read(&streams), there, "`max_len` counts the merged stream").await;
    }
    let age = Duration::from_secs(4 * 86_400 + 43_200);
    let bounded = streams.clone().with_max_age(age).with_hide_future(true);
    let promise = "what is too old or yet to come is not there, whoever has it";
    assert_there(&read(&bounded), &all[2..7], promise).await;
    let shorter = bounded.with_max_len(3);
    assert_there(&read(&shorter), &all[2..5], promise).await;
    let (since, until) = (all[9].created_at, all[4].created_at);
    let some = read(&streams).since(since).until(until);
    assert_there(&some, &all[5..10], "a part of a merged stream is there").await;
    let some = read(&streams.with_max_len(8)).since(since).until(until);
    assert_there(&some, &all[5..8], "a part is within what `max_len` leaves").await;
}

async fn marks_are_of_the_merged_stream(ns: Namespace) {
    let [streams] = ns.alone(["marked"]).await;
    let ([user, other], a, items) = ([ns.user(), ns.user()], name("a"), dated(&[1, 2, 3, 4, 5]));
    send(&streams, [everyone()], items[0].clone()).await;
    send(&streams, [audience(&a)], items[1].clone()).await;
    send(&streams, [everyone(), audience(&a)], items[2].clone()).await;
    streams.add_stream_item(&user, items[3].clone()).await.expect("a feed takes items");
    let all = streams.get_stream_items(&user).with_audiences([&a]);
    let unread = async |limit| all.unread(limit).await.expect("unread items are counted");
    let unseen = async |limit| all.unseen(limit).await.expect("unseen items are counted");
    assert_eq!((unread(100).await, unseen(3).await), (4, 3), "unread items of audiences count");
    assert!(all.mark_read().await.expect("a mark"), "a mark goes to the newest item");
    let place = all.read_up_to().await.expect("a mark");
    let newest = Some(items[0].cursor());
    assert_eq!(place, newest, "a mark goes to the newest item, whoever has it");
    assert_eq!((unread(9).await, unseen(9).await), (0, 4), "what the mark has passed is read");
    send(&streams, [audience(&a)], items[4].clone()).await;
    assert_eq!(unread(9).await, 0, "what comes late with a date before the mark is read");
    send(&streams, [everyone()], "new").await;
    assert_eq!((unread(9).await, unseen(9).await), (1, 6), "what is newer than the mark is unread");
    let others = streams.get_stream_items(&other).with_audiences([&a]);
    let others = others.unread(9).await.expect("unread items are counted");
    assert_eq!(others, 5, "a mark is one user's, and no audience's");
    if ns.has(Capability::RemoveStreamItem) && ns.has(Capability::DeleteRange) {
        all.mark_item_unread(items[2].cursor()).await.expect("an item can be unread");
        assert_eq!(unread(9).await, 2, "an item of two audiences can be unread, and is one");
        let items = all.clone().await.expect("a merged stream is read");
        let are_read = all.are_read(&items).await.expect("items are read or not");
        assert_eq!(are_read, [false, true, true, false, true, true], "each item is as it counts");
        let found = all.slice(3..4).await.expect("a slice");
        assert_items(&found, &items[3..4], "a mark changes no item");
    }
}
