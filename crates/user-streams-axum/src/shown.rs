//! How an item is shown: as text, unless the application says otherwise.

use std::borrow::Cow;

use user_streams_core::StreamItem;

/// How an item is shown, on the page and in the feeds for feed readers.
///
/// ```
/// use user_streams_axum::{Options, Shown};
///
/// // Items whose content is "/path text".
/// let options = Options::new().with_shown(|item| match item.content.split_once(' ') {
///     Some((path, text)) => Shown::text(text).with_link(path),
///     None => Shown::text(&item.content),
/// });
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    pub(crate) body: Body,
    pub(crate) link: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Body {
    Text(String),
    /// Sanitized already.
    #[cfg(feature = "html")]
    Html(String),
}

impl Shown {
    /// As text. Whatever is in it is shown as it is, and never as HTML.
    pub fn text(text: impl Into<String>) -> Self {
        Self { body: Body::Text(text.into()), link: None }
    }

    /// As HTML, of which [`ammonia`] leaves what is harmless: no script, style, form, frame, or
    /// handler of an event.
    #[cfg(feature = "html")]
    #[cfg_attr(docsrs, doc(cfg(feature = "html")))]
    pub fn html(html: impl AsRef<str>) -> Self {
        Self { body: Body::Html(ammonia::clean(html.as_ref())), link: None }
    }

    /// Where the item leads: a path of this site such as `/orders/7`, or a URL of `http` or
    /// `https`. Any other, such as `javascript:`, is left out.
    #[must_use]
    pub fn with_link(mut self, link: impl Into<String>) -> Self {
        self.link = Some(link.into()).filter(|link| is_harmless(link));
        self
    }

    /// What is shown, as text.
    pub(crate) fn plain(&self) -> Cow<'_, str> {
        match &self.body {
            Body::Text(text) => text.into(),
            #[cfg(feature = "html")]
            Body::Html(html) => without_tags(html).into(),
        }
    }
}

/// The text of HTML that has been sanitized.
#[cfg(feature = "html")]
fn without_tags(html: &str) -> String {
    let text = ammonia::Builder::empty().clean(html).to_string();
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&nbsp;", " "), ("&amp;", "&")];
    entities.iter().fold(text, |text, (entity, c)| text.replace(entity, c))
}

/// As text, without a link.
pub(crate) fn as_text(item: &StreamItem) -> Shown {
    Shown::text(&item.content)
}

/// Browsers leave out tabs and line breaks of a URL, and take `\` for `/`: none of these is let
/// through.
fn is_harmless(link: &str) -> bool {
    if link.contains(|c: char| c.is_control() || c.is_whitespace() || c == '\\') {
        return false;
    }
    let has_scheme = |scheme: &str| {
        link.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    let is_path = link.starts_with('/') && !link.starts_with("//");
    is_path || has_scheme("https://") || has_scheme("http://")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_and_urls_of_the_web_are_links() {
        for good in ["/", "/orders/7?a=b#c", "https://example.com/ü", "HTTP://example.com"] {
            assert_eq!(Shown::text("").with_link(good).link.as_deref(), Some(good));
        }
        for bad in [
            "",
            "orders",
            "//example.com",
            "/\\example.com",
            "/\t/example.com",
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            " javascript:alert(1)",
            "java\nscript:alert(1)",
            "\u{1}javascript:alert(1)",
            "data:text/html,<script>alert(1)</script>",
            "vbscript:x",
            "é",
        ] {
            assert_eq!(Shown::text("").with_link(bad).link, None, "{bad:?}");
        }
    }
}
