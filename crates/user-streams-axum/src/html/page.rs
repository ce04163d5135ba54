//! The page: numbered, for those without a script.

use axum::{http::Uri, response::Response};
use futures_util::future::try_join3;
use maud::{Markup, html};
use serde::Deserialize;
use user_streams_core::{Page, PageLink, Paginator, StreamItem};

use crate::{
    answer::Problem,
    html::{
        bell,
        document::{answer, document, problem},
        icons,
        item::{Place, article},
    },
    reading::{Counts, are_read, resume_place},
    request::{Asking, parameters},
};

/// How many numbers the bar has beside the one of this page, and at each end.
const AROUND: (usize, usize) = (2, 1);

/// How many items are counted for it. So the first page of a long stream costs no more than that of
/// a short one; beyond these there are pages too, whose number is not told.
const COUNTED: usize = 1_000;

#[derive(Deserialize)]
struct Parameters {
    page: Option<String>,
}

/// What is read for it.
struct Read {
    page: Page,
    are_read: Vec<Option<bool>>,
    counts: Counts,
    numbers: Vec<PageLink>,
    /// How many items there are, unless they are more than are counted.
    count: Option<usize>,
}

pub(crate) async fn page(asking: Asking, uri: Uri) -> Response {
    let shown = async {
        let Parameters { page } = parameters(&uri)?;
        read(&asking, page).await
    };
    match shown.await {
        Ok(read) => {
            let markup = markup(&asking, &read);
            answer(asking, markup)
        }
        Err(error) => problem(&asking, error),
    }
}

async fn read(asking: &Asking, number: Option<String>) -> Result<Read, Problem> {
    let paginator = Paginator::new(asking.items.clone(), asking.site.options.page_size);
    let paginator = paginator.with_count_up_to(COUNTED);
    let page = paginator.get_page(number).await?;
    let (are_read, counts, numbers) = try_join3(
        are_read(&asking.items, page.object_list()),
        bell::counts(asking),
        paginator.elided_page_range(page.number(), AROUND.0, AROUND.1),
    )
    .await?;
    // It has been counted for the bar.
    let count = Some(paginator.count().await?).filter(|count| *count < COUNTED);
    Ok(Read { page, are_read, counts, numbers, count })
}

fn markup(asking: &Asking, read: &Read) -> Markup {
    let title = &asking.site.options.title;
    let counts = read.counts;
    let in_title = match counts.unseen {
        0 => title.clone(),
        unseen => format!("({}) {title}", bell::badge(unseen, counts.limit)),
    };
    let body = html! {
        a class="us-skip" href="#us-feed" { "Skip to the items" }
        header class="us-header" {
            div class="us-bar" {
                h1 class="us-title" { a href=(asking.base.root()) { (title) } }
                (bell::markup(&asking.base, title, counts))
            }
        }
        main class="us-main" data-us-title=(title) {
            (toolbar(asking, read))
            (feed(asking, read))
            (page_bar(asking, read))
        }
        footer class="us-footer" {
            "Read elsewhere: "
            a href=(asking.base.to("/feed.atom")) { "Atom" }
            " · "
            a href=(asking.base.to("/feed.json")) { "JSON Feed" }
        }
    };
    document(&asking.site, &asking.base, &in_title, &body)
}

/// What is unread, and the button that ends it.
fn toolbar(asking: &Asking, read: &Read) -> Markup {
    let Counts { unread, limit, .. } = read.counts;
    let newest = read.page.get(0).filter(|_| read.page.number() == 1);
    let said = match unread {
        0 => "All read".to_owned(),
        unread => format!("{} unread", bell::badge(unread, limit)),
    };
    html! {
        div class="us-toolbar" {
            p class="us-unread-count" { (said) }
            form method="post" action=(asking.base.to("/read")) data-us-do="read-all" {
                input type="hidden" name="page" value=(read.page.number());
                // What has come since this page was made stays unread.
                @if let Some(item) = newest {
                    input type="hidden" name="up_to" value=(item.cursor());
                }
                button class="us-button" type="submit" disabled[unread == 0] {
                    (icons::double_check()) "Mark all as read"
                }
            }
        }
    }
}

fn feed(asking: &Asking, read: &Read) -> Markup {
    let page = &read.page;
    let place = Place { site: &asking.site, base: &asking.base, page: page.number() };
    let is_first = page.number() == 1;
    let after = is_first.then(|| resume_place(page.object_list()).to_string());
    let last = page.iter().last().filter(|_| page.has_next() && is_first);
    let next = last.map(|item| StreamItem::cursor(item).to_string());
    let start = page.start_index();
    html! {
        section id="us-feed" class="us-feed" role="feed" aria-label=(asking.site.options.title)
            aria-busy="false" tabindex="-1" data-us-feed=(asking.base.to(""))
            data-us-after=[after] data-us-next=[next] {
            @for (number, (item, is_read)) in page.iter().zip(&read.are_read).enumerate() {
                (article(&place, item, *is_read, Some((start + number, read.count))))
            }
        }
        div class="us-empty" hidden[!page.is_empty()] {
            (icons::calm())
            p class="us-empty-title" { "You are all caught up" }
            p { "What comes next appears here." }
        }
    }
}

fn page_bar(asking: &Asking, read: &Read) -> Markup {
    let page = &read.page;
    let link = |number: usize| match number {
        1 => asking.base.root().to_owned(),
        number => format!("{}?page={number}", asking.base.root()),
    };
    html! {
        @if page.has_other_pages() {
            nav class="us-pages" aria-label="Pages" {
                @if page.has_previous() {
                    a rel="prev" href=(link(page.number() - 1)) { "Newer" }
                }
                @for entry in &read.numbers {
                    @match entry {
                        PageLink::Page(number) if *number == page.number() => {
                            span class="us-here" aria-current="page" { (number) }
                        }
                        PageLink::Page(number) => {
                            a href=(link(*number)) aria-label=(format!("Page {number}")) {
                                (number)
                            }
                        }
                        PageLink::Ellipsis => span class="us-gap" { "…" },
                    }
                }
                @if page.has_next() {
                    @if read.count.is_none() { span class="us-gap" { "…" } }
                    a rel="next" href=(link(page.number() + 1)) { "Older" }
                }
            }
        }
    }
}
