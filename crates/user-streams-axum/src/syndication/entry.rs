//! What both formats tell of an item and of the feed.

use uuid::Uuid;

use crate::request::Asking;

/// Of this library's entries, and of nothing else.
const NAMESPACE: Uuid = Uuid::from_u128(0x6b0c_5c1e_6d5b_5f3a_8a53_2f0d_9be4_71c7);

/// The longest title, in characters.
const TITLE_LEN: usize = 80;

/// The same for one thing wherever and whenever it is asked for.
pub(super) fn urn(of: &str) -> String {
    Uuid::new_v5(&NAMESPACE, of.as_bytes()).urn().to_string()
}

/// Of the feed of one user.
pub(super) fn feed_urn(asking: &Asking) -> String {
    urn(&format!("{:?}", asking.items.user()))
}

/// A path within the router as a URL, absolute if the application has told its own.
pub(super) fn url(asking: &Asking, path: &str) -> String {
    absolute(asking, &asking.base.to(path))
}

/// Any path of the site as a URL.
pub(super) fn absolute(asking: &Asking, path: &str) -> String {
    match &asking.site.options.public_url {
        Some(site) if path.starts_with('/') => format!("{site}{path}"),
        _ => path.to_owned(),
    }
}

/// The first line of a text, cut off.
pub(super) fn title(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let mut title: String = line.chars().take(TITLE_LEN).collect();
    if title.len() < line.len() {
        title.push('…');
    }
    title
}

/// Without the characters that no XML may have, not even escaped.
pub(super) fn of_xml(text: &str) -> String {
    let is_refused = |c: char| {
        c < ' ' && !['\t', '\n', '\r'].contains(&c) || ['\u{fffe}', '\u{ffff}'].contains(&c)
    };
    text.chars().map(|c| if is_refused(c) { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_the_first_line_that_says_something() {
        assert_eq!(title("\n  Hello \nworld"), "Hello");
        assert_eq!(title(""), "");
        assert_eq!(title(&"ü".repeat(81)), format!("{}…", "ü".repeat(80)));
        assert_eq!(title(&"ü".repeat(80)), "ü".repeat(80));
    }

    #[test]
    fn what_xml_cannot_have_is_replaced() {
        assert_eq!(of_xml("a\u{0}b\u{8}\u{1b}\u{fffe}\u{ffff}\t\n😀"), "a�b����\t\n😀");
    }
}
