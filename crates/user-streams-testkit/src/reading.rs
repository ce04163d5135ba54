//! Every form of reading.

use futures_util::TryStreamExt;
use user_streams_core::{Paginator, StreamItem, StreamItems};

use crate::{compare::assert_items, namespace::place};

/// Every form of reading has exactly these items, newest first.
pub(crate) async fn assert_there(items: &StreamItems, expected: &[StreamItem], promise: &str) {
    assert_items(&items.clone().await.expect("a stream is read"), expected, promise);
    let walked: Vec<_> = items.stream().try_collect().await.expect("a stream is walked");
    assert_items(&walked, expected, promise);
    assert_eq!(items.count().await.expect("a stream is counted"), expected.len(), "{promise}");
    for end in [0, 1, expected.len(), expected.len() + 1] {
        let counted = items.slice(..end).count().await.expect("a slice is counted");
        assert_eq!(counted, expected.len().min(end), "{promise}: the first {end} are counted");
    }
    let past = items.get(expected.len()).await.expect("an item");
    assert!(past.is_none(), "{promise}: nothing is beyond the end");
    let rest = items.slice(1..99).await.expect("a slice");
    let last = expected.len().min(99);
    assert_items(&rest, expected.get(1..last).unwrap_or_default(), promise);
    // Few pages, however long the stream is.
    let limit = (expected.len() / 8).max(2);
    assert_items(&numbered(items, limit).await, expected, promise);
    assert_items(&down(items, limit).await, expected, promise);
    assert_items(&up(items, limit).await, expected, promise);
}

async fn numbered(items: &StreamItems, per_page: usize) -> Vec<StreamItem> {
    let paginator = Paginator::new(items.clone(), per_page);
    let pages: Vec<_> = paginator.pages().try_collect().await.expect("numbered pages");
    pages.into_iter().flatten().collect()
}

async fn down(items: &StreamItems, limit: usize) -> Vec<StreamItem> {
    let (mut found, mut page) = (Vec::new(), items.cursor_page(limit).await.expect("a page"));
    loop {
        found.extend(page.items);
        let Some(next) = page.next else { return found };
        page = items.cursor_page(limit).after(next).await.expect("a page");
    }
}

async fn up(items: &StreamItems, limit: usize) -> Vec<StreamItem> {
    let oldest = items.cursor_page(limit).before(place(0, 1));
    let (mut found, mut page) = (Vec::new(), oldest.await.expect("a page"));
    loop {
        found.splice(0..0, page.items);
        let Some(previous) = page.previous else { return found };
        page = items.cursor_page(limit).before(previous).await.expect("a page");
    }
}
