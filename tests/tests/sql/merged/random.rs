//! Random streams and reads of them, compared with the backend in memory.

use std::ops::Range;

use chrono::DateTime;
use fastrand::Rng;
use user_streams_core::{
    Cursor, MemoryBackend, NewItem,
    backend::{MergedPart, MergedQuery, Position},
};

use super::stores::{Stores, part};
use crate::{database::TestDatabase, faults::handles::handles};

crate::tests![any_page_is_that_of_the_streams_in_memory];

const AT: i64 = 1_700_000_000_000_000;

fn item(rng: &mut Rng, instants: Range<i64>) -> NewItem {
    let at = DateTime::from_timestamp_micros(AT + rng.i64(instants)).unwrap();
    NewItem::new(format!("item {}", rng.u64(..))).with_created_at(&at)
}

/// Streams of the tests, of which some are empty.
fn streams() -> Vec<MergedPart> {
    let of_users =
        ["main", "news"].into_iter().flat_map(|feed| (1..=3).map(move |u| part(feed, u)));
    let of_texts = ["teams", "retracted"].into_iter().flat_map(|feed| {
        ["everyone", "team:7", "tëam 8"].into_iter().map(move |name| part(feed, name))
    });
    of_users.chain(of_texts).collect()
}

fn store_of(part: &MergedPart) -> &str {
    part.feed.as_ref().map_or("main", |name| name.as_str())
}

fn some(rng: &mut Rng, streams: &[MergedPart], places: &[Cursor], most: usize) -> Vec<MergedPart> {
    let bounded = rng.u8(..3);
    let count = rng.usize(..=most);
    let mut one = || {
        let part = rng.choice(streams).unwrap().clone();
        let place = rng.choice(places).copied();
        part.newer_than(place.filter(|_| bounded == 0 && rng.bool()))
    };
    (0..count).map(|_| one()).collect()
}

fn query(rng: &mut Rng, streams: &[MergedPart], places: &[Cursor]) -> MergedQuery {
    let most = *rng.choice(&[1, 2, 5, 9]).unwrap();
    let mut parts = some(rng, streams, places, most);
    if parts.is_empty() {
        parts.push(rng.choice(streams).unwrap().clone());
    }
    let less = match rng.u8(..3) {
        0 => some(rng, streams, places, 3),
        _ => Vec::new(),
    };
    let place = *rng.choice(places).unwrap();
    let position = match rng.u8(..4) {
        0 => Position::Offset(0),
        1 => Position::Offset(rng.u64(..40)),
        2 => Position::After(place),
        _ => Position::Before(place),
    };
    let limit = *rng.choice(&[0, 1, 2, 3, 7, 20, 300, u64::MAX]).unwrap();
    MergedQuery::new(parts, limit).less(less).with_position(position)
}

async fn any_page_is_that_of_the_streams_in_memory(database: TestDatabase) {
    for handle in handles(&database.config(), 2).await {
        let seed = fastrand::u64(..);
        let rng = &mut Rng::with_seed(seed);
        let memory = MemoryBackend::default();
        let [stored, model] = [Stores::new(handle.backend()).await, Stores::new(&memory).await];
        let streams = streams();
        // Many of the same instant, and many that are in several streams.
        let items: Vec<_> = (0..60).map(|_| item(rng, 0..12)).collect();
        let mut places: Vec<_> = items.iter().map(NewItem::cursor).collect();
        places.extend((0..10).map(|_| item(rng, -2..14).cursor()));
        for stream in &streams {
            let most = *rng.choice(&[0, 5, 40]).unwrap();
            let some = rng.choose_multiple(items.iter().cloned(), most);
            for stores in [&stored, &model] {
                stores.add(store_of(stream), stream.user.clone(), &some).await;
            }
        }
        for _ in 0..250 {
            let query = query(rng, &streams, &places);
            let (found, expected) = (stored.read(&query).await, model.read(&query).await);
            assert_eq!(found, expected, "{}, seed {seed}: {query:?}", handle.name());
        }
        for _ in 0..5 {
            let parts = MergedQuery::new(some(rng, &streams, &[], 9), 1);
            let less = some(rng, &streams, &[], 3);
            let query = parts.less(less);
            let size = rng.u64(1..9);
            let (found, expected) =
                (stored.walk(&query, size).await, model.walk(&query, size).await);
            assert_eq!(found[0], expected[0], "{}, seed {seed}: {query:?}", handle.name());
            assert_eq!(found[1], expected[0], "{}, seed {seed}: back, {query:?}", handle.name());
        }
    }
}
