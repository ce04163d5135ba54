//! Items by cursor, for the script of the page.

use axum::response::Response;
use maud::{Markup, html};

use crate::{
    answer::Problem,
    html::{
        document::answer,
        item::{Place, article},
    },
    reading::{are_read, resume_place},
    request::{Asking, Window},
};

/// The items alone, with where to go on in an attribute.
pub(crate) async fn list(asking: Asking, window: Window) -> Result<Response, Problem> {
    let page = window.page(&asking.items).await?;
    let read = are_read(&asking.items, &page.items).await?;
    let place = Place { site: &asking.site, base: &asking.base, page: 1 };
    let next = page.next.map(|next| next.to_string());
    let live_after = window.is_first().then(|| resume_place(&page.items).to_string());
    let markup: Markup = html! {
        div class="us-list" data-us-next=[next] data-us-after=[live_after] {
            @for (item, read) in page.items.iter().zip(read) { (article(&place, item, read, None)) }
        }
    };
    Ok(answer(asking, markup))
}
