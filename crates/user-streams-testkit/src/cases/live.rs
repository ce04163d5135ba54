//! Items as they come, whoever adds them.

use std::{collections::BTreeSet, time::Duration};

use chrono::{TimeDelta, Utc};
use futures_util::{StreamExt, future::join, stream::BoxStream};
use tokio::time;
use user_streams_core::{
    Cursor, NewItem, Recipients, Result, StreamItem, StreamItems, Streams, UserId, audience,
    backend::{Capability, Hint, ListNewer},
    everyone,
};

use crate::{Kinds, Namespace, case::cases};

cases![
    what_is_added_comes_to_those_who_have_subscribed,
    what_stood_before_does_not_come,
    what_is_newer_than_a_place_comes_first_and_oldest_first,
    what_another_connection_adds_comes over Several; requires Durable,
    what_another_connection_stores_late_comes over Several; requires Durable,
    many_items_at_once_all_come over Several; requires Durable,
    an_item_of_an_old_date_comes_when_it_is_added,
    an_item_with_a_date_to_come_comes_then,
    what_is_merged_comes_once; requires Feeds,
    what_is_for_an_audience_comes_to_those_who_belong_to_it; requires Feeds,
    what_is_dismissed_retracted_or_too_old_does_not_come; requires Feeds,
    newer_items_are_listed_for_the_users_who_are_asked_about for Kinds::Every; requires ListNewer,
    a_limit_of_what_is_listed_holds; requires ListNewer,
    what_is_added_is_told over Several; requires Watch Durable,
];

type Live = BoxStream<'static, Result<StreamItem>>;

/// Asked so often that no case waits for it.
const OFTEN: Duration = Duration::from_millis(30);

/// The streams, asked often.
fn streams(ns: &Namespace) -> Streams {
    ns.streams().clone().with_poll_interval(OFTEN)
}

/// What is added until it comes, which shows that a subscription has begun.
const FIRST: &str = "a first one";

/// Subscribes, and waits until what is added comes.
async fn subscribed(streams: &Streams, items: StreamItems) -> Live {
    let mut live = items.subscribe();
    for _ in 0..100 {
        let add = streams.add_stream_item(items.user(), FIRST).into_future();
        let (_, first) = join(add, time_out(live.next(), OFTEN * 2)).await;
        if let Some(first) = first {
            let first = first.expect("a subscription has no end");
            let first = first.expect("a subscription does not fail").content;
            assert_eq!(first, FIRST, "what stood before does not come");
            return live;
        }
    }
    panic!("a subscription begins");
}

async fn time_out<T>(future: impl Future<Output = T>, limit: Duration) -> Option<T> {
    time::timeout(limit, future).await.ok()
}

/// The next item that is not one of those that were added until the first came.
async fn next(ns: &Namespace, live: &mut Live, promise: &str) -> StreamItem {
    loop {
        let item = ns.soon(live.next(), promise).await;
        let item = item.expect("a subscription has no end").expect("a subscription does not fail");
        if item.content != FIRST {
            return item;
        }
    }
}

/// The contents of the next items.
async fn contents(ns: &Namespace, live: &mut Live, number: usize, promise: &str) -> Vec<String> {
    let mut contents = Vec::new();
    for _ in 0..number {
        contents.push(next(ns, live, promise).await.content);
    }
    contents
}

/// Nothing but what is expected has come: the next item is one that is added now.
async fn nothing_else_comes(ns: &Namespace, streams: &Streams, user: &UserId, live: &mut Live) {
    let last = streams.add_stream_item(user, "the last one").await.expect("an add succeeds").item;
    let item = next(ns, live, "what is added comes").await;
    assert_eq!(item.cursor(), last, "nothing comes twice, nor what does not belong to the stream");
}

async fn what_is_added_comes_to_those_who_have_subscribed(ns: Namespace) {
    // Nobody is asked: a process tells itself what it adds, or the backend does.
    let streams = ns.streams().clone().with_poll_interval(Duration::from_secs(3_600));
    let (user, other) = (ns.user(), ns.user());
    let mut live = subscribed(&streams, streams.get_stream_items(&user)).await;
    let mut same = subscribed(&streams, streams.get_stream_items(&user)).await;
    streams.add_stream_item(&other, "of another").await.expect("an add succeeds");
    for content in ["one", "two"] {
        streams.add_stream_item(&user, content).await.expect("an add succeeds");
        for live in [&mut live, &mut same] {
            let item = next(&ns, live, "what is added comes to each subscriber").await;
            assert_eq!(item.content, content, "what is added comes, and nothing of others");
        }
    }
    let both = [user.clone(), other];
    streams.add_stream_item(both.clone(), "to both").await.expect("an add succeeds");
    assert_eq!(next(&ns, &mut live, "a broadcast comes").await.content, "to both");
    let users = Recipients::iter(both);
    streams.add_stream_item(users, "to some").await.expect("an add succeeds");
    assert_eq!(next(&ns, &mut live, "a broadcast to a stream comes").await.content, "to some");
    nothing_else_comes(&ns, &streams, &user, &mut live).await;
}

async fn what_stood_before_does_not_come(ns: Namespace) {
    let streams = streams(&ns);
    let ago = |n| Utc::now() - TimeDelta::minutes(n);
    let old = |n| NewItem::new(format!("{n} minutes ago")).with_created_at(&ago(n));
    let (user, _) = ns.feed_of([0, 0, 1, 10, 100].map(old).to_vec()).await;
    let mut live = subscribed(&streams, streams.get_stream_items(&user)).await;
    nothing_else_comes(&ns, &streams, &user, &mut live).await;
}

async fn what_is_newer_than_a_place_comes_first_and_oldest_first(ns: Namespace) {
    let streams = streams(&ns).with_lateness(Duration::from_secs(5));
    let minutes = |n: usize| Utc::now() - TimeDelta::minutes(i64::try_from(n).unwrap_or(0));
    let old = (1..=600).map(|n| NewItem::new(format!("{n}")).with_created_at(&minutes(n)));
    let (user, items) = ns.feed_of(old.collect()).await;
    let mut live = streams.get_stream_items(&user).subscribe_after(items[300].cursor());
    let contents = contents(&ns, &mut live, 300, "what is newer than a place comes").await;
    let expected: Vec<_> = items[..300].iter().rev().map(|item| item.content.clone()).collect();
    assert_eq!(contents, expected, "what is newer than a place comes first, oldest first");
    nothing_else_comes(&ns, &streams, &user, &mut live).await;
}

async fn what_another_connection_adds_comes(ns: Namespace) {
    let (streams, user) = (streams(&ns), ns.user());
    let mut live = subscribed(&streams, streams.get_stream_items(&user)).await;
    let other = ns.reconnect().await;
    let users: Vec<_> = [user.clone()].into_iter().chain(ns.users(300)).collect();
    other.add(&user, "one").await;
    assert_eq!(next(&ns, &mut live, "what another connection adds comes").await.content, "one");
    other.add(users.clone(), "many").await;
    assert_eq!(next(&ns, &mut live, "a broadcast of another comes").await.content, "many");
    other.add(Recipients::iter(users), "a stream").await;
    assert_eq!(next(&ns, &mut live, "a broadcast of another comes").await.content, "a stream");
    let rows = [(user.clone(), NewItem::new("a row")), (ns.user(), NewItem::new("of another"))];
    other.streams().bulk_add(rows).await.expect("rows can be added");
    assert_eq!(next(&ns, &mut live, "a row of another comes").await.content, "a row");
    nothing_else_comes(&ns, other.streams(), &user, &mut live).await;
}

async fn what_another_connection_stores_late_comes(ns: Namespace) {
    let (streams, user) = (streams(&ns).with_lateness(Duration::from_secs(60)), ns.user());
    let mut live = subscribed(&streams, streams.get_stream_items(&user)).await;
    let other = ns.reconnect().await;
    other.add(&user, "in time").await;
    assert_eq!(next(&ns, &mut live, "what another connection adds comes").await.content, "in time");
    for seconds in [5, 30] {
        let at = Utc::now() - TimeDelta::seconds(seconds);
        other.add(&user, NewItem::new("late").with_created_at(&at)).await;
        let item = next(&ns, &mut live, "what is stored late comes").await;
        assert_eq!(item.content, "late", "what is stored later than its date says comes");
    }
    nothing_else_comes(&ns, other.streams(), &user, &mut live).await;
}

async fn many_items_at_once_all_come(ns: Namespace) {
    let (streams, user) = (streams(&ns), ns.user());
    let mut live = subscribed(&streams, streams.get_stream_items(&user)).await;
    let other = ns.reconnect().await;
    let items: Vec<_> = (0..700).map(|n| NewItem::new(format!("item {n}"))).collect();
    for (at, some) in items.chunks(350).enumerate() {
        match at {
            0 => ns.store(&user, some).await,
            _ => other.store(&user, some).await,
        }
    }
    let mut expected: BTreeSet<_> = items.iter().map(NewItem::cursor).collect();
    while !expected.is_empty() {
        let item = next(&ns, &mut live, "all of many items come").await;
        assert!(expected.remove(&item.cursor()), "each of many items comes once");
    }
    nothing_else_comes(&ns, &streams, &user, &mut live).await;
}

async fn an_item_of_an_old_date_comes_when_it_is_added(ns: Namespace) {
    let (streams, user) = (streams(&ns), ns.user());
    let mut live = subscribed(&streams, streams.get_stream_items(&user)).await;
    let at = Utc::now() - TimeDelta::days(400);
    let add = streams.add_stream_item(&user, "a year ago").created_at(at);
    add.await.expect("an add succeeds");
    let item = next(&ns, &mut live, "an item of an old date comes").await;
    assert_eq!(item.content, "a year ago", "what this process adds comes, of whatever date");
    nothing_else_comes(&ns, &streams, &user, &mut live).await;
}

async fn an_item_with_a_date_to_come_comes_then(ns: Namespace) {
    let (streams, user) = (streams(&ns).with_hide_future(true), ns.user());
    let soon = Utc::now() + TimeDelta::milliseconds(1_500);
    ns.add(&user, NewItem::new("before").with_created_at(&soon)).await;
    let mut live = subscribed(&streams, streams.get_stream_items(&user)).await;
    let later = soon + TimeDelta::milliseconds(300);
    streams.add_stream_item(&user, "since").created_at(later).await.expect("an add succeeds");
    streams.add_stream_item(&user, "now").await.expect("an add succeeds");
    let mut came = Vec::new();
    while came.last().is_none_or(|content| content != "since") {
        let item = next(&ns, &mut live, "an item with a date to come comes then").await;
        assert!(item.created_at <= Utc::now(), "an item comes no sooner than its date");
        came.push(item.content);
    }
    assert_eq!(came, ["now", "before", "since"], "an item with a date to come comes then");
}

async fn what_is_merged_comes_once(ns: Namespace) {
    let streams = ns.with_feeds().await.with_poll_interval(OFTEN);
    let (merged, user) = (streams.merge(["news"]).expect("the feed is declared"), ns.user());
    let mut live = subscribed(&streams, merged.get_stream_items(&user)).await;
    let news = streams.feed("news").expect("the feed is declared");
    news.add_stream_item(&user, "news").await.expect("a feed takes items");
    assert_eq!(next(&ns, &mut live, "what comes into a merged feed comes").await.content, "news");
    let same = NewItem::new("both");
    streams.add_stream_item(&user, same.clone()).await.expect("an add succeeds");
    assert_eq!(next(&ns, &mut live, "what is added comes").await.content, "both");
    news.add_stream_item(&user, same).await.expect("a feed takes items");
    nothing_else_comes(&ns, &streams, &user, &mut live).await;
}

async fn what_is_for_an_audience_comes_to_those_who_belong_to_it(ns: Namespace) {
    let streams = with(&ns, |streams| streams.with_audiences(true)).await;
    let user = ns.user();
    let (team, none) = (ns.user().to_string(), ns.user().to_string());
    let joined = Utc::now();
    let items = streams.get_stream_items(&user);
    let items = items.with_audiences([audience(&team).since(joined)]);
    let mut others = subscribed(&streams, streams.get_stream_items(ns.user())).await;
    let mut live = subscribed(&streams, items).await;
    for recipients in [audience(&team), audience(&none)] {
        streams.add_stream_item(recipients, "team").await.expect("an audience takes items");
    }
    let early = joined - TimeDelta::hours(1);
    let early = streams.add_stream_item(audience(&team), "early").created_at(early);
    early.await.expect("an audience takes items");
    let mut seen = Vec::new();
    // Everyone's stream is that of other cases too.
    let mine = format!("all, and {team}");
    streams.add_stream_item(everyone(), &*mine).await.expect("everyone takes items");
    while seen.last() != Some(&mine) {
        seen.push(next(&ns, &mut live, "what is for an audience comes").await.content);
    }
    seen.retain(|content| ["team", "early", &*mine].contains(&content.as_str()));
    assert_eq!(seen, ["team", &*mine], "what is for the audiences of a user comes, and no more");
    while next(&ns, &mut others, "what is for everyone comes to all").await.content != mine {}
}

async fn what_is_dismissed_retracted_or_too_old_does_not_come(ns: Namespace) {
    let streams = with(&ns, |streams| streams.with_dismissals(true)?.with_retractions(true)).await;
    let streams = streams.with_max_age(Duration::from_secs(3_600));
    let user = ns.user();
    let mut live = subscribed(&streams, streams.get_stream_items(&user)).await;
    let [dismissed, retracted] = ["dismissed", "retracted"].map(NewItem::new);
    let items = streams.get_stream_items(&user);
    items.dismiss(dismissed.cursor()).await.expect("an item can be dismissed");
    streams.retract(retracted.cursor()).await.expect("an item can be retracted");
    for item in [dismissed, retracted] {
        streams.add_stream_item(&user, item).await.expect("an add succeeds");
    }
    let at = Utc::now() - TimeDelta::hours(2);
    streams.add_stream_item(&user, "too old").created_at(at).await.expect("an add succeeds");
    nothing_else_comes(&ns, &streams, &user, &mut live).await;
}

/// The streams with something more, asked often.
async fn with(ns: &Namespace, change: impl FnOnce(Streams) -> Result<Streams>) -> Streams {
    let streams = change(streams(ns)).expect("a backend of feeds has what is made of them");
    if ns.has(Capability::Migrate) {
        streams.migrate().await.expect("feeds can be migrated");
    }
    streams
}

async fn newer_items_are_listed_for_the_users_who_are_asked_about(ns: Namespace) {
    let (first, second, other) = (ns.user(), ns.user(), ns.user());
    let now = Utc::now();
    let place =
        |n: i64| NewItem::new(format!("{n}")).with_created_at(&(now + TimeDelta::seconds(n)));
    let items: Vec<_> = (0..5).map(place).collect();
    ns.store(&first, &items).await;
    ns.store(&second, &items[2..]).await;
    ns.store(&other, &items).await;
    let list = async |users: Vec<UserId>, than: Cursor| {
        let query = ListNewer::new(users, than, 100);
        let mut listed = ns.backend().list_newer(query).await.expect("newer items are listed");
        listed.sort_unstable();
        listed
    };
    let mut expected: Vec<_> = items[3..]
        .iter()
        .flat_map(|item| [&first, &second].map(|user| (user.clone(), item.cursor())))
        .collect();
    expected.sort_unstable();
    let users = vec![first.clone(), second.clone(), ns.user()];
    let listed = list(users.clone(), items[2].cursor()).await;
    assert_eq!(listed, expected, "what is newer than a place is listed, each with its user");
    let last = items[4].cursor();
    assert_eq!(list(users, last).await, [], "a place itself is not newer");
    assert_eq!(list(Vec::new(), items[0].cursor()).await, [], "nobody has nothing");
    // One instant, of which the id decides.
    let (user, ties) = ns.ties(9).await;
    let newer = list(vec![user], ties[4].cursor()).await;
    assert_eq!(newer.len(), 4, "of one instant, what has a greater id is newer");
    let everyone: Vec<_> = ns.users(1_200).into_iter().chain([first]).collect();
    let listed = list(everyone, items[3].cursor()).await;
    assert_eq!(listed.len(), 1, "many users can be asked about at once");
}

async fn a_limit_of_what_is_listed_holds(ns: Namespace) {
    let (user, items) = ns.feed(9).await;
    let oldest = items[8].cursor();
    for (limit, expected) in [(1, 1), (5, 5), (8, 8), (100, 8)] {
        let query = ListNewer::new(vec![user.clone()], oldest, limit);
        let listed = ns.backend().list_newer(query).await.expect("newer items are listed");
        assert_eq!(listed.len(), expected, "so many items are listed at the most");
    }
}

async fn what_is_added_is_told(ns: Namespace) {
    let mut hints = ns.backend().watch().await.expect("a backend tells what comes");
    let other = ns.reconnect().await;
    let (user, item) = (ns.user(), NewItem::new("told"));
    let place = item.cursor();
    other.add(&user, item).await;
    let is_of = |hint: &Hint| {
        let users = hint.users.as_ref().is_none_or(|users| users.contains(&user));
        users && hint.feed.is_none() && hint.item.is_none_or(|item| item == place)
    };
    loop {
        let hint = ns.soon(hints.next(), "what is added is told").await;
        let hint = hint.expect("hints have no end").expect("hints do not fail");
        if is_of(&hint) {
            break;
        }
    }
}
