//! The bell with the number of what is unseen.

use axum::response::Response;
use maud::{Markup, html};
use user_streams_core::{ErrorKind, Result};

use crate::{
    answer::Problem,
    html::{document::answer, icons},
    reading::Counts,
    request::{Asking, Base},
};

/// The bell as a part of another page.
pub(crate) async fn bell(asking: Asking) -> Result<Response, Problem> {
    let counts = counts(&asking).await?;
    let markup = markup(&asking.base, &asking.site.options.title, counts);
    Ok(answer(asking, markup))
}

/// Nothing is unseen where there are no marks.
pub(super) async fn counts(asking: &Asking) -> Result<Counts> {
    let limit = asking.site.options.count_limit;
    match Counts::of(&asking.items, limit).await {
        Err(error) if error.kind() == ErrorKind::Unsupported => {
            Ok(Counts { unseen: 0, unread: 0, limit })
        }
        counts => counts,
    }
}

pub(super) fn markup(base: &Base, title: &str, counts: Counts) -> Markup {
    let Counts { unseen, limit, .. } = counts;
    let badge = badge(unseen, limit);
    let label = if unseen == 0 { title.to_owned() } else { format!("{title}, {badge} new") };
    html! {
        a class="us-bell" href=(base.root()) aria-label=(label) data-us-bell=(base.to(""))
            data-us-title=(title) {
            (icons::bell())
            span class="us-badge" aria-hidden="true" hidden[unseen == 0] { (badge) }
        }
    }
}

/// `99+` of a limit of 100.
pub(super) fn badge(count: usize, limit: usize) -> String {
    if count < limit { count.to_string() } else { format!("{}+", limit - 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_badge_ends_where_counting_does() {
        for (count, text) in [(0, "0"), (99, "99"), (100, "99+")] {
            assert_eq!(badge(count, 100), text);
        }
        assert_eq!(badge(1, 1), "0+");
    }
}
