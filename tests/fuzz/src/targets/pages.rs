//! Numbered pages and page bars with any sizes, compared with Django's `Paginator`.

use std::sync::LazyLock;

use arbitrary::{Result, Unstructured};
use user_streams_core::{ErrorKind, MemoryBackend, PageLink, Paginator, Streams};

use super::{connect::complete, input};
use crate::{outcome::Outcome, target::Target};

/// Feeds of 0, 1, 2, … items, of the users 0, 1, 2, ….
static STREAMS: LazyLock<Streams> = LazyLock::new(|| {
    let streams = Streams::from_backend(MemoryBackend::default());
    for user in 0..=FEEDS {
        for number in 0..user {
            let added = complete(streams.add_stream_item(user, number.to_string()).into_future());
            assert!(added.is_ok(), "{added:?}");
        }
    }
    streams
});
const FEEDS: i64 = 24;

pub(super) fn target() -> Target {
    Target::of_bytes("pages", input::seeds(), &[], |bytes| {
        check(&mut Unstructured::new(bytes)).unwrap_or_else(|_| Outcome::unreadable("short"))
    })
}

fn size(u: &mut Unstructured<'_>) -> Result<usize> {
    Ok(match u.int_in_range(0..=9)? {
        0 => usize::MAX - u.int_in_range(0..=2)?,
        1 => u.arbitrary()?,
        _ => u.int_in_range(0..=9)?,
    })
}

fn check(u: &mut Unstructured<'_>) -> Result<Outcome> {
    let user = u.int_in_range(0..=FEEDS)?;
    let (per_page, orphans) = (size(u)?, size(u)?);
    let allow_empty = u.arbitrary()?;
    let number: i64 = if u.ratio(1, 10)? { u.arbitrary()? } else { u.int_in_range(-1..=30)? };
    let (sides, ends) = (size(u)?, size(u)?);
    let count = usize::try_from(user).unwrap_or_default();
    let what = format!("{count} items, {per_page} a page, {orphans} orphans, page {number}");

    let paginator = Paginator::new(STREAMS.get_stream_items(user), per_page)
        .with_orphans(orphans)
        .with_allow_empty_first_page(allow_empty);
    let strict = complete(paginator.page(number));
    let bar = complete(paginator.elided_page_range(number, sides, ends));
    if per_page == 0 || orphans >= per_page {
        assert!(strict.is_err() && bar.is_err(), "{what}");
        return Ok(strict.map_or_else(|error| refused(&error), |_| Outcome::accepted(0)));
    }
    let hits = if count == 0 { 0 } else { count.saturating_sub(orphans).max(1) };
    let num_pages = if count == 0 && !allow_empty { 0 } else { hits.max(1).div_ceil(per_page) };
    assert_eq!(complete(paginator.num_pages()).ok(), Some(num_pages), "{what}");
    let is_page = usize::try_from(number).is_ok_and(|number| (1..=num_pages).contains(&number));
    assert_eq!(strict.is_ok(), is_page, "{what}");
    let lenient = complete(paginator.get_page(number));
    assert_eq!(lenient.is_ok(), num_pages > 0, "{what}");
    let page = match strict {
        Ok(page) => page,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::EmptyPage, "{what}");
            assert!(lenient.is_ok_and(|page| page.number() == num_pages) || num_pages == 0);
            return Ok(refused(&error));
        }
    };
    let before = (page.number() - 1) * per_page;
    let len = if page.number() == num_pages { count - before } else { per_page };
    assert_eq!((page.len(), complete(paginator.count()).ok()), (len, Some(count)), "{what}");
    assert_eq!(page.start_index(), if count == 0 { 0 } else { before + 1 }, "{what}");
    assert_eq!(page.end_index(), before + len, "{what}");
    assert_eq!(page.next_page_number().is_ok(), page.number() < num_pages, "{what}");
    let bar = bar.unwrap_or_default();
    let expected = django_bar(page.number(), num_pages, sides, ends);
    assert_eq!(bar, expected, "{what}, {sides} on each side, {ends} on ends");
    Ok(Outcome::accepted((bar.len(), page.number(), num_pages)))
}

fn refused(error: &user_streams_core::Error) -> Outcome {
    Outcome::refused(error, || false)
}

/// The pages of the bar: at the ends and around the page, with an ellipsis for what is left out.
/// Django's `get_elided_page_range` shows all if there are few, and fills a gap of one page.
fn django_bar(number: usize, num_pages: usize, sides: usize, ends: usize) -> Vec<PageLink> {
    let [number, num_pages, sides, ends] = [number, num_pages, sides, ends].map(|n| n as i128);
    let page = |n: i128| PageLink::Page(usize::try_from(n).unwrap_or_default());
    if num_pages <= (sides + ends) * 2 {
        return (1..=num_pages).map(page).collect();
    }
    let mut bar = Vec::new();
    if number > (1 + sides + ends) + 1 {
        bar.extend((1..=ends).map(page));
        bar.push(PageLink::Ellipsis);
        bar.extend((number - sides..=number).map(page));
    } else {
        bar.extend((1..=number).map(page));
    }
    if number < (num_pages - sides - ends) - 1 {
        bar.extend((number + 1..=number + sides).map(page));
        bar.push(PageLink::Ellipsis);
        bar.extend((num_pages - ends + 1..=num_pages).map(page));
    } else {
        bar.extend((number + 1..=num_pages).map(page));
    }
    bar
}
