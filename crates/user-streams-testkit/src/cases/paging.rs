//! Numbered pages, with the contract of Django's `Paginator`.

use std::collections::HashSet;

use user_streams_core::{ErrorKind, PageLink, Paginator, Streams, backend::Position};

use crate::{
    Kinds, Namespace,
    case::cases,
    compare::assert_items,
    spy::{Call, Spy},
};

cases![
    a_hundred_items_make_ten_pages_of_ten for Kinds::Every,
    a_thousand_items_of_one_timestamp_are_each_on_one_page,
    the_last_page_has_what_is_left,
    orphans_join_the_page_before,
    an_empty_stream_has_one_empty_page,
    a_page_that_is_not_there_is_an_error,
    get_page_is_lenient,
    a_slice_is_paged,
    a_page_bar_is_elided,
    a_page_knows_without_a_count_whether_another_follows,
    pages_beyond_what_is_counted_are_read,
];

async fn a_hundred_items_make_ten_pages_of_ten(ns: Namespace) {
    let (user, expected) = ns.feed(100).await;
    let paginator = Paginator::new(ns.streams().get_stream_items(&user), 10);
    assert_eq!(
        paginator.count().await.expect("the pages are counted"),
        100,
        "the paginator counts all items"
    );
    assert_eq!(
        paginator.num_pages().await.expect("the pages are counted"),
        10,
        "100 items make 10 pages"
    );
    assert_eq!(
        paginator.page_range().await.expect("the pages are counted"),
        1..=10,
        "pages are numbered from 1"
    );
    for (at, expected) in expected.chunks(10).enumerate() {
        let page = paginator.page(at + 1).await.expect("a page that is there is read");
        assert_items(page.object_list(), expected, &format!("page {}", at + 1));
        assert_eq!(
            (page.start_index(), page.end_index()),
            (at * 10 + 1, at * 10 + 10),
            "places from 1"
        );
        assert_eq!(
            (page.has_previous(), page.has_next()),
            (at > 0, at < 9),
            "the neighbours of page {}",
            at + 1
        );
    }
}

async fn a_thousand_items_of_one_timestamp_are_each_on_one_page(ns: Namespace) {
    let (user, expected) = ns.ties(1_000).await;
    let paginator = Paginator::new(ns.streams().get_stream_items(&user), 10);
    let mut paged = Vec::new();
    for number in paginator.page_range().await.expect("the pages are counted") {
        paged.extend(paginator.page(number).await.expect("a page that is there is read"));
    }
    let distinct: HashSet<_> = paged.iter().map(|item| item.id).collect();
    assert_eq!(
        distinct.len(),
        1_000,
        "no item of one timestamp is on two pages, and none on no page"
    );
    assert_items(&paged, &expected, "the pages have the order of the stream");
}

async fn the_last_page_has_what_is_left(ns: Namespace) {
    let (user, expected) = ns.feed(25).await;
    let paginator = Paginator::new(ns.streams().get_stream_items(&user), 10);
    let page = paginator.page(3).await.expect("a page that is there is read");
    assert_items(page.object_list(), &expected[20..], "the last page has what is left");
    assert_eq!(
        (page.start_index(), page.end_index(), paginator.count().await.expect("a count")),
        (21, 25, 25),
        "the places of the last page"
    );
    assert!(!page.has_next() && page.next_page_number().is_err(), "no page follows the last one");
}

async fn orphans_join_the_page_before(ns: Namespace) {
    let (user, expected) = ns.feed(12).await;
    let paginator = Paginator::new(ns.streams().get_stream_items(&user), 5).with_orphans(2);
    assert_eq!(
        paginator.num_pages().await.expect("the pages are counted"),
        2,
        "2 orphans make no page of their own"
    );
    let page = paginator.page(2).await.expect("a page that is there is read");
    assert_items(page.object_list(), &expected[5..], "orphans are on the page before");
}

async fn an_empty_stream_has_one_empty_page(ns: Namespace) {
    let items = ns.streams().get_stream_items(ns.user());
    let paginator = Paginator::new(items.clone(), 10);
    let page = paginator.page(1).await.expect("a page that is there is read");
    assert!(page.is_empty() && !page.has_other_pages(), "the one page is empty");
    assert_eq!(
        (page.start_index(), page.end_index()),
        (0, 0),
        "an empty page begins and ends at 0"
    );
    let strict = Paginator::new(items, 10).with_allow_empty_first_page(false);
    assert_eq!(
        strict.page(1).await.expect_err("no empty page is allowed").kind(),
        ErrorKind::EmptyPage,
        "unless no empty page is allowed"
    );
}

async fn a_page_that_is_not_there_is_an_error(ns: Namespace) {
    let (user, _) = ns.feed(5).await;
    let paginator = Paginator::new(ns.streams().get_stream_items(&user), 2);
    assert_eq!(
        paginator.page(2).await.expect("a page that is there is read").len(),
        2,
        "page 2 is there, and is full"
    );
    assert_eq!(
        paginator.page(3).await.expect("a page that is there is read").len(),
        1,
        "the last page is there"
    );
    for number in ["0", "-1", "4", "99999999999999999999"] {
        let error = paginator.page(number).await.expect_err("a page that is not there is an error");
        assert_eq!(error.kind(), ErrorKind::EmptyPage, "page {number} is not there");
    }
    let error = paginator.page("two").await.expect_err("a page is an integer");
    assert_eq!(error.kind(), ErrorKind::PageNotAnInteger, "a page is an integer");
}

async fn get_page_is_lenient(ns: Namespace) {
    let (user, expected) = ns.feed(5).await;
    let paginator = Paginator::new(ns.streams().get_stream_items(&user), 2);
    let first = paginator.get_page("two").await.expect("a page that is there is read");
    assert_items(first.object_list(), &expected[..2], "what is no integer is page 1");
    for number in [-1, 0, 4, i64::MAX] {
        let last = paginator.get_page(number).await.expect("a page that is there is read");
        assert_items(last.object_list(), &expected[4..], "what is no page is the last one");
    }
}

async fn a_slice_is_paged(ns: Namespace) {
    let (user, expected) = ns.feed(20).await;
    let paginator = Paginator::new(ns.streams().get_stream_items(&user).slice(5..16), 5);
    assert_eq!(
        paginator.num_pages().await.expect("the pages are counted"),
        3,
        "11 items make 3 pages of 5"
    );
    assert_items(
        paginator.page(2).await.expect("a page that is there is read").object_list(),
        &expected[10..15],
        "page 2 of a slice",
    );
    assert_items(
        paginator.page(3).await.expect("a page that is there is read").object_list(),
        &expected[15..16],
        "page 3 of a slice",
    );
}

async fn a_page_bar_is_elided(ns: Namespace) {
    let (user, _) = ns.feed(20).await;
    let paginator = Paginator::new(ns.streams().get_stream_items(&user), 1);
    let bar = paginator.elided_page_range(10, 1, 1).await.expect("the pages are counted");
    let pages = [1, 0, 9, 10, 11, 0, 20]
        .map(|n| if n == 0 { PageLink::Ellipsis } else { PageLink::Page(n) });
    assert_eq!(bar, pages, "gaps are shown as ellipses");
}

async fn a_page_knows_without_a_count_whether_another_follows(ns: Namespace) {
    let spy = Spy::new(ns.backend());
    let (user, expected) = ns.feed(20).await;
    let items = Streams::from_backend(spy.clone()).get_stream_items(&user);
    let paginator = Paginator::new(items, 10);
    let first = paginator.page(1).await.expect("a page that is there is read");
    assert_items(first.object_list(), &expected[..10], "page 1");
    assert!(first.has_next(), "page 2 follows page 1");
    let last = paginator.get_page("2").await.expect("a page that is there is read");
    assert_items(last.object_list(), &expected[10..], "page 2");
    assert!(!last.has_next(), "no page follows a full last one");
    let error = paginator.page(3).await.expect_err("a page that is not there is an error");
    assert_eq!(error.kind(), ErrorKind::EmptyPage, "there is no page 3");
    let queries = [0, 10, 20].map(|offset| Call::Get(Position::Offset(offset), 11));
    assert_eq!(spy.calls(), queries, "a page is one query, for one item more than it has");
}

async fn pages_beyond_what_is_counted_are_read(ns: Namespace) {
    ns.feed(9).await;
    let (user, expected) = ns.feed(25).await;
    let items = ns.streams().get_stream_items(&user);
    let paginator = Paginator::new(items.clone(), 2).with_count_up_to(12);
    assert_eq!(paginator.count().await.expect("the items are counted"), 12, "12 are counted");
    assert_eq!(paginator.num_pages().await.expect("the pages are counted"), 6, "6 pages of 2");
    let page = paginator.page(7).await.expect("a page that is there is read");
    assert_items(page.object_list(), &expected[12..14], "page 7, which is not counted");
    assert!(page.has_next(), "page 8 follows");
    let page = paginator.page(13).await.expect("a page that is there is read");
    assert_items(page.object_list(), &expected[24..], "the last page, which is not counted");
    assert!(!page.has_next(), "no page follows the last one");
    let last = paginator.get_page(99).await.expect("a page that is there is read");
    assert_eq!(last.number(), 6, "what is no page is the last one that is counted");
    let bar = paginator.elided_page_range(9, 1, 1).await.expect("a page bar");
    let pages = [PageLink::Page(1), PageLink::Ellipsis, PageLink::Page(8), PageLink::Page(9)];
    assert_eq!(bar, pages, "the bar of a page that is not counted ends with it");
    // As many as both users have.
    let all = Paginator::new(items, 2).with_count_up_to(34);
    assert_eq!(all.count().await.expect("the items are counted"), 25, "all are counted");
    let error = all.elided_page_range(14, 1, 1).await.expect_err("there is no such page");
    assert_eq!(error.kind(), ErrorKind::EmptyPage, "there is no page 14");
}
