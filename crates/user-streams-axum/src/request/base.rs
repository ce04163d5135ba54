//! Where the router is, as the browser sees it.

use axum::{extract::OriginalUri, http::request::Parts};

use crate::options::Options;

/// The path under which the router is nested, without a slash at its end.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Base(String);

impl Base {
    pub(crate) fn of(parts: &Parts, options: &Options) -> Self {
        if let Some(path) = &options.base_path {
            return Self(path.clone());
        }
        let inner = parts.uri.path();
        let outer = parts.extensions.get::<OriginalUri>();
        Self::before(outer.map_or(inner, |outer| outer.path()), inner)
    }

    /// What comes before the path within the router. Nothing that begins with two slashes, which
    /// would be another host.
    fn before(outer: &str, inner: &str) -> Self {
        let base = outer.strip_suffix(inner).unwrap_or(outer);
        let base = base.trim_matches('/');
        Self(if base.is_empty() { String::new() } else { format!("/{base}") })
    }

    /// The page.
    pub(crate) fn root(&self) -> &str {
        if self.0.is_empty() { "/" } else { &self.0 }
    }

    /// A path within the router, such as `/items`.
    pub(crate) fn to(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_is_what_is_before_the_path_within() {
        for (outer, inner, base) in [
            ("/", "/", ""),
            ("/items", "/items", ""),
            ("/feed", "/", "/feed"),
            ("/feed/", "/", "/feed"),
            ("/a/b/items/x/read", "/items/x/read", "/a/b"),
            ("//example.com/feed/items", "/items", "/example.com/feed"),
        ] {
            assert_eq!(Base::before(outer, inner), Base(base.to_owned()), "{outer}");
        }
    }

    #[test]
    fn paths_are_below_it() {
        let base = Base::before("/feed", "/");
        assert_eq!((base.root(), base.to("/bell").as_str()), ("/feed", "/feed/bell"));
        let base = Base::before("/", "/");
        assert_eq!((base.root(), base.to("/bell").as_str()), ("/", "/bell"));
    }
}
