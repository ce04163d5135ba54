//! Pictures that say nothing to those who hear the page.

use maud::{Markup, html};

pub(super) fn bell() -> Markup {
    icon(&["M6 8a6 6 0 0 1 12 0c0 7 3 8 3 8H3s3-1 3-8", "M10.3 20a2 2 0 0 0 3.4 0"])
}

pub(super) fn check() -> Markup {
    icon(&["M4 12.5l5 5L20 6.5"])
}

pub(super) fn double_check() -> Markup {
    icon(&["M1.5 12.5l5 5L17 6.5", "M11 16.2l1.4 1.3L23 6.5"])
}

pub(super) fn dot() -> Markup {
    icon(&["M12 7a5 5 0 1 0 0 10a5 5 0 1 0 0-10"])
}

pub(super) fn cross() -> Markup {
    icon(&["M6 6l12 12", "M18 6L6 18"])
}

pub(super) fn calm() -> Markup {
    icon(&[
        "M12 2.5a9.5 9.5 0 1 0 0 19a9.5 9.5 0 1 0 0-19",
        "M8 14.2c1 1.5 2.4 2.3 4 2.3s3-.8 4-2.3",
        "M8.6 9.6v.6",
        "M15.4 9.6v.6",
    ])
}

fn icon(paths: &[&str]) -> Markup {
    html! {
        svg class="us-icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false" {
            @for path in paths { path d=(path) {} }
        }
    }
}
