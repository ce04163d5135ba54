//! What a user changes: marks, and items that are dismissed.

use axum::{
    Json,
    http::{HeaderValue, header},
    response::{IntoResponse, Redirect, Response},
};
use serde_json::{Value, json};
use user_streams_core::StreamItem;

use crate::{
    answer::Problem,
    request::{Asking, Change, Place},
};

/// Marks as seen.
pub(crate) async fn mark_seen(asking: Asking, change: Change) -> Result<Response, Problem> {
    let mark = asking.items.mark_seen();
    let moved = match change.up_to {
        Some(place) => mark.up_to(place).await?,
        None => mark.await?,
    };
    Ok(changed(&asking, &change, json!({ "moved": moved })))
}

/// Marks as read, and as seen: what was read was seen.
pub(crate) async fn mark_read(asking: Asking, change: Change) -> Result<Response, Problem> {
    let newest = match change.up_to {
        Some(place) => Some(place),
        // One place for both marks, whatever comes in between.
        None => asking.items.cursor_page(1).await?.items.first().map(StreamItem::cursor),
    };
    let mut moved = false;
    if let Some(place) = newest {
        moved = asking.items.mark_read().up_to(place).await?;
        asking.items.mark_seen().up_to(place).await?;
    }
    Ok(changed(&asking, &change, json!({ "moved": moved })))
}

/// Marks one item as read.
pub(crate) async fn mark_item_read(
    asking: Asking,
    Place(item): Place,
    change: Change,
) -> Result<Response, Problem> {
    asking.items.mark_item_read(item).await?;
    Ok(changed(&asking, &change, json!({ "read": true })))
}

/// Marks one item as unread.
pub(crate) async fn mark_item_unread(
    asking: Asking,
    Place(item): Place,
    change: Change,
) -> Result<Response, Problem> {
    asking.items.mark_item_unread(item).await?;
    Ok(changed(&asking, &change, json!({ "read": false })))
}

/// Dismisses one item.
pub(crate) async fn dismiss(
    asking: Asking,
    Place(item): Place,
    change: Change,
) -> Result<Response, Problem> {
    let dismissed = asking.items.dismiss(item).await?;
    Ok(changed(&asking, &change, json!({ "changed": dismissed })))
}

/// Shows an item again that was dismissed.
pub(crate) async fn undismiss(
    asking: Asking,
    Place(item): Place,
    change: Change,
) -> Result<Response, Problem> {
    let undone = asking.items.undismiss(item).await?;
    Ok(changed(&asking, &change, json!({ "changed": undone })))
}

/// Tells the user's other pages, and answers a program with what has come of it and a form with
/// the page that it is on.
fn changed(asking: &Asking, change: &Change, outcome: Value) -> Response {
    asking.site.forget(asking.items.user());
    asking.site.connections.tell(asking.items.user());
    let Some(page) = change.form else {
        let mut response = Json(outcome).into_response();
        let no_store = HeaderValue::from_static("no-store");
        response.headers_mut().insert(header::CACHE_CONTROL, no_store);
        return response;
    };
    let root = asking.base.root();
    let to = if page > 1 { format!("{root}?page={page}") } else { root.to_owned() };
    Redirect::to(&to).into_response()
}
