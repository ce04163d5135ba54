//! How much is unseen and unread.

use axum::response::Response;

use crate::{
    answer::{Content, Problem},
    reading::Counts,
    request::Asking,
};

pub(crate) async fn counts(asking: Asking) -> Result<Response, Problem> {
    let counts = Counts::of(&asking.items, asking.site.options.count_limit).await?;
    let Counts { unseen, unread, limit } = counts;
    let body = format!(r#"{{"unseen":{unseen},"unread":{unread},"limit":{limit}}}"#);
    let content = Content { kind: "application/json", body, link: None };
    Ok(asking.answer(content))
}
