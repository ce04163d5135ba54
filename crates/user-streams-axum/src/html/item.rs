//! One item.

use chrono::{DateTime, FixedOffset, SecondsFormat};
#[cfg(feature = "html")]
use maud::PreEscaped;
use maud::{Markup, html};
use user_streams_core::StreamItem;

use crate::{
    html::icons,
    request::Base,
    shown::{Body, Shown},
    site::Site,
};

/// How many colours there are for the initials.
const HUES: u32 = 8;

/// Where an item is shown.
pub(super) struct Place<'a> {
    pub(super) site: &'a Site,
    pub(super) base: &'a Base,
    /// The numbered page, for the forms to return to.
    pub(super) page: usize,
}

/// An item that has just come, for the page to put on top.
pub(crate) fn article_of(site: &Site, base: &Base, item: &StreamItem) -> String {
    let place = Place { site, base, page: 1 };
    article(&place, item, Some(false), None).into_string()
}

/// An item; `number` is its place in the whole stream, and how many there are, if
/// that is known.
pub(super) fn article(
    place: &Place<'_>,
    item: &StreamItem,
    read: Option<bool>,
    number: Option<(usize, Option<usize>)>,
) -> Markup {
    let cursor = item.cursor().to_string();
    let shown = (place.site.options.shown)(item);
    let (text_id, time_id) = (format!("us-text-{cursor}"), format!("us-time-{cursor}"));
    let is_unread = read == Some(false);
    let class = if is_unread { "us-item us-unread" } else { "us-item" };
    let (position, size) = number.unzip();
    let size = size.map(|size| size.map_or_else(|| "-1".to_owned(), |size| size.to_string()));
    let utc = item.created_at.to_utc().to_rfc3339_opts(SecondsFormat::Micros, true);
    let plain = shown.plain();
    html! {
        article class=(class) id=(format!("us-{cursor}")) tabindex="0" data-us-cursor=(cursor)
            data-us-at=(utc) aria-labelledby=(text_id) aria-describedby=(time_id)
            aria-posinset=[position] aria-setsize=[size] {
            span class=(format!("us-initial us-hue-{}", hue(&plain))) aria-hidden="true" {
                (initial(&plain))
            }
            div class="us-body" dir="auto" {
                div class="us-text" id=(text_id) { (content(&shown)) }
                p class="us-meta" id=(time_id) {
                    @if is_unread { span class="us-state" { "Unread" } }
                    // In its own direction, whatever the text's.
                    time class="us-time" dir="auto" datetime=(utc)
                        title=(exactly(item.created_at)) {
                        (exactly(item.created_at))
                    }
                }
            }
            div class="us-actions" { (actions(place, &cursor, read)) }
        }
    }
}

fn content(shown: &Shown) -> Markup {
    let link = shown.link.as_deref();
    match (&shown.body, link) {
        (Body::Text(text), Some(link)) => {
            html! { a class="us-link" href=(link) rel="noopener" { (text) } }
        }
        (Body::Text(text), None) => html! { (text) },
        #[cfg(feature = "html")]
        (Body::Html(html), link) => html! {
            (PreEscaped(html))
            @if let Some(link) = link {
                " " a class="us-link us-more" href=(link) rel="noopener" { "Open" }
            }
        },
    }
}

/// What can be done with an item, as forms, which need no script.
fn actions(place: &Place<'_>, cursor: &str, read: Option<bool>) -> Markup {
    let streams = &place.site.streams;
    let of_item = |action: &str| place.base.to(&format!("/items/{cursor}/{action}"));
    html! {
        @match read {
            Some(false) if streams.has_item_marks() => {
                (form(place, &of_item("read"), "read", "Mark as read", &icons::check(), None))
            }
            Some(true) if streams.has_item_marks() => {
                (form(place, &of_item("unread"), "unread", "Mark as unread", &icons::dot(), None))
            }
            Some(false) => {
                (form(place, &place.base.to("/read"), "read-to", "Mark as read from here on down",
                    &icons::double_check(), Some(cursor)))
            }
            _ => {}
        }
        @if streams.has_dismissals() {
            (form(place, &of_item("dismiss"), "dismiss", "Dismiss", &icons::cross(), None))
        }
    }
}

fn form(
    place: &Place<'_>,
    action: &str,
    what: &str,
    label: &str,
    icon: &Markup,
    up_to: Option<&str>,
) -> Markup {
    html! {
        form method="post" action=(action) data-us-do=(what) {
            input type="hidden" name="page" value=(place.page);
            @if let Some(cursor) = up_to { input type="hidden" name="up_to" value=(cursor); }
            button class="us-act" type="submit" title=(label) aria-label=(label) { (icon) }
        }
    }
}

/// What stands beside an item: the first letter, digit or picture of its text.
fn initial(text: &str) -> String {
    let is_shown = |c: &char| c.is_alphanumeric() || *c >= '\u{2190}';
    text.chars().find(is_shown).map(|c| c.to_uppercase().collect()).unwrap_or_default()
}

/// A colour that belongs to the first word.
fn hue(text: &str) -> u32 {
    let word = text.split_whitespace().next().unwrap_or_default();
    word.chars().fold(7_u32, |hue, c| hue.wrapping_mul(31).wrapping_add(u32::from(c))) % HUES
}

/// For those without a script, who have no other zone than the server's.
fn exactly(at: DateTime<FixedOffset>) -> String {
    at.format("%-d %B %Y, %H:%M UTC%:z").to_string().replace("UTC+00:00", "UTC")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_initial_is_the_first_thing_that_can_be_seen() {
        for (text, expected) in
            [("ann", "A"), ("  \"über\"", "Ü"), ("👍 well done", "👍"), ("", ""), ("ß", "SS")]
        {
            assert_eq!(initial(text), expected);
        }
    }

    #[test]
    fn the_exact_time_names_its_zone() {
        let at = DateTime::parse_from_rfc3339("2026-03-01T12:05:00+02:00").unwrap();
        assert_eq!(exactly(at), "1 March 2026, 12:05 UTC+02:00");
        assert_eq!(exactly(at.to_utc().fixed_offset()), "1 March 2026, 10:05 UTC");
    }
}
