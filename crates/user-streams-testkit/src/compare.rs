//! Comparisons whose messages stay short, however long the streams are.

use user_streams_core::{NewItem, StreamItem};

/// Fails at the first place where the items differ. `promise` is the sentence that is broken then.
#[track_caller]
pub(crate) fn assert_items(found: &[StreamItem], expected: &[StreamItem], promise: &str) {
    let length = found.len().max(expected.len());
    if let Some(at) = (0..length).find(|at| found.get(*at) != expected.get(*at)) {
        let show = |items: &[StreamItem]| items.get(at).map_or("nothing".to_owned(), describe);
        panic!(
            "{promise}: at place {at} there must be {}, not {} ({} items found, {} expected)",
            show(expected),
            show(found),
            found.len(),
            expected.len()
        );
    }
}

/// The same, comparing content alone.
#[track_caller]
pub(crate) fn assert_contents(found: &[StreamItem], expected: &[&str], promise: &str) {
    let found: Vec<_> = found.iter().map(|item| item.content.as_str()).collect();
    assert_eq!(found, expected, "{promise}");
}

/// The item and the first of its content.
fn describe(item: &StreamItem) -> String {
    let content: String = item.content.chars().take(60).collect();
    let rest = if content.len() < item.content.len() { "…" } else { "" };
    let (us, bytes) = (item.cursor().created_at_us(), item.content.len());
    format!("item {} of {} ({us} µs) {content:?}{rest} of {bytes} bytes", item.id, item.created_at)
}

/// What must come back for `item`.
pub(crate) fn stored(item: &NewItem) -> StreamItem {
    StreamItem::new(item.id(), item.created_at(), item.content())
}

/// What must come back for `items`: newest first.
pub(crate) fn newest_first<'a>(items: impl IntoIterator<Item = &'a NewItem>) -> Vec<StreamItem> {
    let mut expected: Vec<_> = items.into_iter().map(stored).collect();
    expected.sort_unstable_by_key(|item| std::cmp::Reverse(item.cursor()));
    expected
}
