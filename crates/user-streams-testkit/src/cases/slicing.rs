//! The lazy stream: slices, single items, counts.

use std::ops::Bound;

use futures_util::TryStreamExt;
use user_streams_core::{
    StreamItem, StreamItems, Streams,
    backend::{Capability, Position},
};

use crate::{
    Kinds, Namespace,
    case::cases,
    compare::assert_items,
    namespace::place,
    spy::{Call, Spy},
};

cases![
    the_first_ones_the_middle_and_the_rest for Kinds::Every,
    every_kind_of_range_slices,
    a_slice_of_a_slice_composes,
    an_empty_range_has_no_items,
    a_limit_of_zero_is_no_items,
    past_the_end_there_is_nothing,
    huge_offsets_and_limits_are_no_error,
    any_offset_and_limit_give_that_part,
    get_gives_the_item_at_an_index,
    len_counts_what_a_slice_has,
    a_stream_yields_a_slice,
    making_a_slice_reads_nothing,
    len_reads_no_rows,
    a_slice_is_counted_no_further_than_to_its_end,
    a_slice_is_one_query_for_its_rows_alone,
];

async fn read(items: StreamItems) -> Vec<StreamItem> {
    items.await.expect("a read of a slice succeeds")
}

async fn get(items: &StreamItems, index: usize) -> Option<StreamItem> {
    items.get(index).await.expect("a read of one item succeeds")
}

async fn count(items: &StreamItems) -> usize {
    items.count().await.expect("a count succeeds")
}

async fn the_first_ones_the_middle_and_the_rest(ns: Namespace) {
    let (user, expected) = ns.feed(10).await;
    let items = ns.streams().get_stream_items(&user);
    assert_items(&read(items.slice(..5)).await, &expected[..5], "[:5] is the newest five");
    assert_items(
        &read(items.slice(3..7)).await,
        &expected[3..7],
        "[3:7] is the fourth to the seventh",
    );
    assert_items(&read(items.slice(6..)).await, &expected[6..], "[6:] is all but the newest six");
}

async fn every_kind_of_range_slices(ns: Namespace) {
    let (user, expected) = ns.feed(10).await;
    let items = ns.streams().get_stream_items(&user);
    assert_items(&read(items.slice(..)).await, &expected, "`..` is everything");
    assert_items(&read(items.slice(2..4)).await, &expected[2..4], "`a..b` is without b");
    assert_items(&read(items.slice(2..=4)).await, &expected[2..=4], "`a..=b` is with b");
    assert_items(&read(items.slice(2..)).await, &expected[2..], "`a..` has no end");
    assert_items(&read(items.slice(..4)).await, &expected[..4], "`..b` is without b");
    assert_items(&read(items.slice(..=4)).await, &expected[..=4], "`..=b` is with b");
    let odd = (Bound::Excluded(2), Bound::Included(4));
    assert_items(&read(items.slice(odd)).await, &expected[3..=4], "bounds make a slice");
}

async fn a_slice_of_a_slice_composes(ns: Namespace) {
    let (user, expected) = ns.feed(20).await;
    let items = ns.streams().get_stream_items(&user).slice(5..15);
    assert_items(
        &read(items.slice(2..5)).await,
        &expected[7..10],
        "a slice counts from the outer one",
    );
    assert_items(
        &read(items.slice(8..)).await,
        &expected[13..15],
        "a slice ends with the outer one",
    );
    assert_items(
        &read(items.slice(8..99)).await,
        &expected[13..15],
        "a slice never leaves the outer one",
    );
    assert_items(
        &read(items.slice(1..).slice(1..).slice(..3)).await,
        &expected[7..10],
        "and so on",
    );
}

#[expect(clippy::reversed_empty_ranges, reason = "this is what is tested")]
async fn an_empty_range_has_no_items(ns: Namespace) {
    let (user, expected) = ns.feed(5).await;
    let items = ns.streams().get_stream_items(&user);
    for empty in [items.slice(0..0), items.slice(..0), items.slice(3..3), items.slice(4..2)] {
        assert_items(
            &read(empty.clone()).await,
            &[],
            "an empty range has no items: [0:0] is not everything",
        );
        assert_eq!(count(&empty).await, 0, "an empty range has the length 0");
    }
    assert_items(&read(items.slice(0..1)).await, &expected[..1], "[0:1] has one item");
}

async fn a_limit_of_zero_is_no_items(ns: Namespace) {
    let (user, items) = ns.feed(5).await;
    let middle = items[2].cursor();
    for position in [
        Position::Offset(0),
        Position::Offset(2),
        Position::After(middle),
        Position::Before(middle),
    ] {
        let read = ns.read(&user, position, 0).await;
        assert_items(&read, &[], "a limit of 0 means no items, not all of them");
    }
}

async fn past_the_end_there_is_nothing(ns: Namespace) {
    let (user, expected) = ns.feed(5).await;
    let items = ns.streams().get_stream_items(&user);
    assert_eq!(get(&items, 5).await, None, "past the end there is no item");
    assert_items(&read(items.slice(5..9)).await, &[], "past the end there is nothing");
    assert_items(&read(items.slice(3..99)).await, &expected[3..], "a slice ends with the stream");
    assert_items(&read(items.slice(99..)).await, &[], "far past the end there is nothing");
}

async fn huge_offsets_and_limits_are_no_error(ns: Namespace) {
    let (user, expected) = ns.feed(5).await;
    let (oldest, newest) = (place(0, 1), expected[0].cursor());
    for huge in [u64::MAX, u64::MAX - 1, 1 << 63, (1 << 63) - 1, 1 << 32, u64::from(u32::MAX)] {
        assert_items(
            &ns.read(&user, Position::Offset(0), huge).await,
            &expected,
            "a huge limit means all",
        );
        assert_items(
            &ns.read(&user, Position::Offset(2), huge).await,
            &expected[2..],
            "a huge limit means all",
        );
        let after = ns.read(&user, Position::After(newest), huge).await;
        assert_items(&after, &expected[1..], "a huge limit means all");
        let before = ns.read(&user, Position::Before(oldest), huge).await;
        assert_items(&before, &expected, "a huge limit means all");
        assert_items(
            &ns.read(&user, Position::Offset(huge), 1).await,
            &[],
            "a huge offset is past the end",
        );
        assert_items(
            &ns.read(&user, Position::Offset(huge), huge).await,
            &[],
            "a huge offset is past the end",
        );
    }
    let items = ns.streams().get_stream_items(&user);
    assert_eq!(get(&items, usize::MAX).await, None, "a huge index is past the end");
    assert_items(&read(items.slice(usize::MAX..)).await, &[], "a huge slice is past the end");
    assert_items(&read(items.slice(..=usize::MAX)).await, &expected, "a huge slice is everything");
}

async fn any_offset_and_limit_give_that_part(ns: Namespace) {
    let (user, expected) = ns.feed(7).await;
    for offset in 0..9 {
        for limit in 0..9 {
            let part: Vec<_> = expected.iter().skip(offset).take(limit).cloned().collect();
            let read = ns.read(&user, Position::Offset(offset as u64), limit as u64).await;
            assert_items(&read, &part, &format!("{limit} items after skipping {offset}"));
        }
    }
}

async fn get_gives_the_item_at_an_index(ns: Namespace) {
    let (user, expected) = ns.feed(5).await;
    let items = ns.streams().get_stream_items(&user);
    for (index, item) in expected.iter().enumerate() {
        assert_eq!(
            get(&items, index).await.as_ref(),
            Some(item),
            "index {index}, 0 being the newest"
        );
    }
    assert_eq!(
        get(&items.slice(2..), 1).await.as_ref(),
        Some(&expected[3]),
        "an index within a slice"
    );
    assert_eq!(get(&items.slice(..2), 2).await, None, "an index past the end of a slice");
}

async fn len_counts_what_a_slice_has(ns: Namespace) {
    let (user, _) = ns.feed(7).await;
    let items = ns.streams().get_stream_items(&user);
    assert_eq!(count(&items).await, 7, "the length is the number of items");
    assert_eq!(count(&items.slice(..5)).await, 5, "the length of a slice");
    assert_eq!(
        count(&items.slice(5..99)).await,
        2,
        "the length of a slice that outlasts the stream"
    );
    assert_eq!(count(&items.slice(9..)).await, 0, "the length of a slice past the end");
    assert_eq!(count(&items.slice(2..).slice(..3)).await, 3, "the length of a slice of a slice");
    assert_eq!(ns.count(&user).await, 7, "the backend counts all items of a user");
}

async fn a_stream_yields_a_slice(ns: Namespace) {
    let (user, expected) = ns.feed(10).await;
    let items = ns.streams().get_stream_items(&user);
    let yielded: Vec<StreamItem> =
        items.stream().try_collect().await.expect("a stream is read to its end");
    assert_items(&yielded, &expected, "the stream yields every item");
    let yielded: Vec<StreamItem> =
        items.slice(3..7).stream().try_collect().await.expect("a stream is read to its end");
    assert_items(&yielded, &expected[3..7], "the stream of a slice yields that slice");
}

async fn making_a_slice_reads_nothing(ns: Namespace) {
    let spy = Spy::new(ns.backend());
    let (user, _) = ns.feed(3).await;
    let items = Streams::from_backend(spy.clone()).get_stream_items(&user);
    let (slice, stream) = (items.slice(1..).slice(..1), items.stream());
    assert_eq!(spy.calls(), [], "nothing is read until it is asked for");
    assert_eq!(read(slice).await.len(), 1, "then it is read");
    drop(stream);
    assert_eq!(
        spy.calls(),
        [Call::Get(Position::Offset(1), 1)],
        "a stream that is not polled reads nothing"
    );
}

async fn len_reads_no_rows(ns: Namespace) {
    let spy = Spy::new(ns.backend());
    let (user, _) = ns.feed(3).await;
    let items = Streams::from_backend(spy.clone()).get_stream_items(&user);
    assert_eq!(count(&items).await, 3, "the length is the number of items");
    assert_eq!(count(&items.slice(1..)).await, 2, "the length is the number of items");
    assert_eq!(spy.calls(), [Call::Count; 2], "len is a count, and reads no rows");
}

async fn a_slice_is_counted_no_further_than_to_its_end(ns: Namespace) {
    let spy = Spy::new(ns.backend());
    let (long, short) = (ns.feed(9).await.0, ns.feed(2).await.0);
    let streams = Streams::from_backend(spy.clone());
    assert_eq!(count(&streams.get_stream_items(&long).slice(3..7)).await, 4, "a slice is counted");
    let asked = match ns.backend().capabilities().has(Capability::CountNewer) {
        true => Call::CountNewer(7),
        false => Call::Count,
    };
    assert_eq!(spy.calls(), [asked], "nothing is counted beyond the end of a slice");
    let short = streams.get_stream_items(&short);
    assert_eq!(count(&short.slice(..7)).await, 2, "a slice that outlasts the stream is counted");
}

async fn a_slice_is_one_query_for_its_rows_alone(ns: Namespace) {
    let spy = Spy::new(ns.backend());
    let streams = Streams::from_backend(spy.clone());
    let (user, expected) = ns.feed(10).await;
    let items = streams.get_stream_items(&user);
    assert_items(&read(items.slice(3..7)).await, &expected[3..7], "[3:7]");
    assert_eq!(get(&items, 4).await.as_ref(), Some(&expected[4]), "[4]");
    let queries = [Call::Get(Position::Offset(3), 4), Call::Get(Position::Offset(4), 1)];
    assert_eq!(spy.calls(), queries, "a slice is one query, for no more rows than it has");
    streams.add_stream_item(&user, "one more").await.expect("an add of valid arguments succeeds");
    assert_eq!(spy.calls(), [Call::Add], "an add reads nothing");
}
