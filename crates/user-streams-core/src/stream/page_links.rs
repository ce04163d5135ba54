//! The numbers of a page bar.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

/// An entry of a page bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PageLink {
    /// A page by its number.
    Page(usize),
    /// Pages left out, shown as `…`.
    Ellipsis,
}

/// Django's `get_elided_page_range`.
pub(crate) fn elide(
    number: usize,
    num_pages: usize,
    on_each_side: usize,
    on_ends: usize,
) -> Vec<PageLink> {
    let pages = |range: RangeInclusive<usize>| range.map(PageLink::Page);
    let around = on_each_side.saturating_add(on_ends);
    if num_pages <= around.saturating_mul(2) {
        return pages(1..=num_pages).collect();
    }
    let mut links = Vec::new();
    if number > around.saturating_add(2) {
        links.extend(pages(1..=on_ends));
        links.push(PageLink::Ellipsis);
        links.extend(pages(number - on_each_side..=number));
    } else {
        links.extend(pages(1..=number));
    }
    if number.saturating_add(around).saturating_add(1) < num_pages {
        links.extend(pages(number + 1..=number + on_each_side));
        links.push(PageLink::Ellipsis);
        links.extend(pages(num_pages - on_ends + 1..=num_pages));
    } else {
        links.extend(pages(number + 1..=num_pages));
    }
    links
}
