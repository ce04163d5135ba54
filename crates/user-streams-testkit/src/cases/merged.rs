//! Several streams read by one operation: it answers as one that is made of reads of each.

use std::sync::Arc;

use user_streams_core::{
    Name, NewItem, StreamItem, Streams, UserId, UserIdKind,
    backend::{Backend, Capability, MergedPart, MergedQuery, Position},
};

use super::{audiences::items, optional::assert_as_declared};
use crate::{
    Namespace,
    case::cases,
    compare::{assert_items, newest_first},
    namespace::{item_at, place, random_user},
};

cases![
    get_merged_works_if_declared,
    several_streams_are_one_from_every_position; requires GetMerged Feeds,
    an_item_in_several_parts_is_there_once; requires GetMerged Feeds,
    what_is_in_a_stream_to_subtract_is_not_there; requires GetMerged Feeds,
    a_part_is_there_above_its_place; requires GetMerged Feeds,
    a_part_of_a_feed_that_is_none_is_an_error; requires GetMerged Feeds,
];

/// Three streams: a user's main one, the same user's in a feed, and one of a text id.
#[derive(Debug, Clone)]
pub(super) struct Three {
    pub(super) backend: Arc<dyn Backend>,
    streams: [Streams; 3],
    users: [UserId; 3],
}

const FEEDS: [Option<&str>; 3] = [None, Some("merged"), Some("merged_text")];

fn feed_name(feed: &str) -> Name {
    feed.parse().expect("a name")
}

impl Three {
    pub(super) async fn new(ns: &Namespace) -> Self {
        let streams = FEEDS.map(|feed| match feed {
            None => ns.streams().clone(),
            Some(feed) => {
                let kind = if feed.ends_with("text") { UserIdKind::Text } else { ns.kind() };
                let feed = ns.backend().feed(&feed_name(feed), kind);
                Streams::from_backend(feed.expect("a backend of feeds has this one"))
                    .with_use_utc(true)
            }
        });
        for streams in &streams {
            if ns.has(Capability::Migrate) {
                streams.migrate().await.expect("a feed can be migrated");
            }
        }
        Self { backend: Arc::clone(ns.backend()), streams, users: Self::users(ns) }
    }

    fn users(ns: &Namespace) -> [UserId; 3] {
        let user = ns.user();
        [user.clone(), user, random_user(UserIdKind::Text)]
    }

    /// The same streams of other users.
    pub(super) fn afresh(&self, ns: &Namespace) -> Self {
        Self { users: Self::users(ns), ..self.clone() }
    }

    pub(super) fn part(&self, at: usize) -> MergedPart {
        MergedPart::new(FEEDS[at].map(feed_name), self.users[at].clone())
    }

    fn all(&self) -> Vec<MergedPart> {
        (0..3).map(|at| self.part(at)).collect()
    }

    pub(super) async fn add(&self, at: usize, item: &NewItem) {
        let added = self.streams[at].add_stream_item(&self.users[at], item.clone()).await;
        added.expect("a stream takes items");
    }

    async fn read(&self, query: MergedQuery) -> Vec<StreamItem> {
        self.backend.get_merged(query).await.expect("streams are read as one")
    }
}

async fn get_merged_works_if_declared(ns: Namespace) {
    let part = MergedPart::new(None, ns.user());
    let query = MergedQuery::new(vec![part], 1);
    let result = ns.backend().get_merged(query).await;
    assert_as_declared(&ns, Capability::GetMerged, "get_merged", result);
}

async fn several_streams_are_one_from_every_position(ns: Namespace) {
    let (three, items) = (Three::new(&ns).await, items(23));
    for (n, item) in items.iter().enumerate() {
        three.add(n * 5 % 3, item).await;
    }
    let (all, promise) = (newest_first(&items), "several streams are read as one, in order");
    let query = |limit| MergedQuery::new(three.all(), limit);
    assert_items(&three.read(query(u64::MAX)).await, &all, promise);
    for limit in [1, 2, 5, 23, 24] {
        let most = usize::try_from(limit).unwrap_or_default();
        for at in [0, 1, 7, 21, 22] {
            let rest = |from: usize, to: usize| &all[from.min(23)..to.clamp(from.min(23), 23)];
            let offset = query(limit).with_position(Position::Offset(at as u64));
            assert_items(&three.read(offset).await, rest(at, at + most), promise);
            let after = query(limit).with_position(Position::After(all[at].cursor()));
            assert_items(&three.read(after).await, rest(at + 1, at + 1 + most), promise);
            let before = query(limit).with_position(Position::Before(all[at].cursor()));
            let nearest = rest(at.saturating_sub(most), at);
            assert_items(&three.read(before).await, nearest, promise);
        }
    }
    // Places of no item.
    let (past, future) = (place(0, 1), place(all[0].cursor().created_at_us() + 1, 1));
    for position in [Position::Offset(23), Position::After(past), Position::Before(future)] {
        let none = three.read(query(9).with_position(position)).await;
        assert!(none.is_empty(), "nothing is beyond the end: {position:?}");
    }
    let oldest = query(4).with_position(Position::Before(past));
    assert_items(&three.read(oldest).await, &all[19..], promise);
    let newest = query(4).with_position(Position::After(future));
    assert_items(&three.read(newest).await, &all[..4], promise);
    let (one, main) = (three.part(0), items.iter().step_by(3));
    let found = three.read(MergedQuery::new(vec![one], u64::MAX)).await;
    assert_items(&found, &newest_first(main), "one stream is read as it is");
    let nobody = MergedPart::new(None, ns.user());
    let found = three.read(MergedQuery::new(vec![nobody], 9)).await;
    assert!(found.is_empty(), "a user without items has an empty stream");
}

async fn an_item_in_several_parts_is_there_once(ns: Namespace) {
    let (three, items) = (Three::new(&ns).await, items(9));
    for (n, item) in items.iter().enumerate() {
        for at in 0..=n % 3 {
            three.add(at, item).await;
        }
    }
    let (all, promise) = (newest_first(&items), "an item in several parts is there once");
    for limit in [1, 2, 4, 9, 30] {
        let most = usize::try_from(limit).unwrap_or_default().min(9);
        let query = MergedQuery::new(three.all(), limit);
        assert_items(&three.read(query.clone()).await, &all[..most], promise);
        let oldest = query.clone().with_position(Position::Before(place(0, 1)));
        assert_items(&three.read(oldest).await, &all[9 - most..], promise);
        let offset = query.with_position(Position::Offset(3));
        assert_items(&three.read(offset).await, &all[3..(3 + most).min(9)], promise);
    }
    let twice = vec![three.part(0), three.part(0)];
    let found = three.read(MergedQuery::new(twice, u64::MAX)).await;
    assert_items(&found, &all, "a part that is named twice is there once");
}

async fn what_is_in_a_stream_to_subtract_is_not_there(ns: Namespace) {
    let (three, items) = (Three::new(&ns).await, items(30));
    let mut left = Vec::new();
    for (n, item) in items.iter().enumerate() {
        three.add(0, item).await;
        // Longer than a page in a row, by its place alone.
        if (4..21).contains(&n) || n % 5 == 0 {
            let key = item_at(item.cursor(), "");
            three.add(1 + n % 2, &key).await;
        } else {
            left.push(item);
        }
    }
    // What is in none of the parts.
    three.add(1, &NewItem::new("")).await;
    let beside = NewItem::new("").with_created_at(&items[1].created_at());
    three.add(2, &beside).await;
    let (left, promise) = (newest_first(left), "what is to be subtracted is not there");
    let query = |limit| {
        let parts = MergedQuery::new(vec![three.part(0)], limit);
        parts.less(vec![three.part(1), three.part(2)])
    };
    for limit in [1, 3, 12, 100] {
        let most = usize::try_from(limit).unwrap_or_default().min(left.len());
        assert_items(&three.read(query(limit)).await, &left[..most], promise);
        let oldest = query(limit).with_position(Position::Before(place(0, 1)));
        assert_items(&three.read(oldest).await, &left[left.len() - most..], promise);
        let offset = query(limit).with_position(Position::Offset(2));
        assert_items(&three.read(offset).await, &left[2..(2 + most).min(left.len())], promise);
        let after = query(limit).with_position(Position::After(left[4].cursor()));
        assert_items(&three.read(after).await, &left[5..(5 + most).min(left.len())], promise);
    }
    let itself = MergedQuery::new(vec![three.part(0)], 9).less(vec![three.part(0)]);
    assert!(three.read(itself).await.is_empty(), "{promise}");
}

async fn a_part_is_there_above_its_place(ns: Namespace) {
    let (three, items) = (Three::new(&ns).await, items(18));
    for (n, item) in items.iter().enumerate() {
        three.add(n % 3, item).await;
    }
    let newest = newest_first(&items);
    // In two, of which one is cut off.
    let both = item_at(newest[14].cursor(), &newest[14].content);
    for at in [0, 1] {
        three.add(at, &both).await;
    }
    let of = |at: usize, item: &StreamItem| {
        let number: usize = item.content.trim_start_matches("item ").parse().unwrap_or_default();
        number % 3 == at || at < 2 && item.cursor() == both.cursor()
    };
    // The place of an item of this part, which is not there any more.
    let cut = newest[6..].iter().find(|item| of(0, item)).map(StreamItem::cursor);
    let is_there =
        |item: &&StreamItem| of(0, item) && Some(item.cursor()) > cut || of(1, item) || of(2, item);
    let expected: Vec<_> = newest.iter().filter(is_there).cloned().collect();
    let parts = vec![three.part(0).newer_than(cut), three.part(1), three.part(2)];
    let query = |limit| MergedQuery::new(parts.clone(), limit);
    let promise = "of a part, what is newer than its place is there";
    assert_items(&three.read(query(u64::MAX)).await, &expected, promise);
    for limit in [1, 4, 12] {
        let most = usize::try_from(limit).unwrap_or_default().min(expected.len());
        let oldest = query(limit).with_position(Position::Before(place(0, 1)));
        assert_items(&three.read(oldest).await, &expected[expected.len() - most..], promise);
        let after = query(limit).with_position(Position::After(expected[2].cursor()));
        let rest = &expected[3..(3 + most).min(expected.len())];
        assert_items(&three.read(after).await, rest, promise);
        let from_above = query(limit).with_position(Position::Before(expected[3].cursor()));
        assert_items(&three.read(from_above).await, &expected[3 - most.min(3)..3], promise);
    }
    let none = three.part(1).newer_than(Some(newest[0].cursor()));
    let found = three.read(MergedQuery::new(vec![none], 9)).await;
    assert!(found.is_empty(), "nothing is newer than the newest");
}

async fn a_part_of_a_feed_that_is_none_is_an_error(ns: Namespace) {
    let three = Three::new(&ns).await;
    three.add(0, &NewItem::new("item")).await;
    let feed = feed_name(&format!("none_{:x}", fastrand::u32(..)));
    let none = || MergedPart::new(Some(feed.clone()), ns.user());
    let part = MergedQuery::new(vec![three.part(0), none()], 9);
    let less = MergedQuery::new(vec![three.part(0)], 9).less(vec![none()]);
    for query in [part, less] {
        let found = three.backend.get_merged(query).await;
        assert!(found.is_err(), "a feed that is none has no items: {found:?}");
    }
}
