//! Content does no harm.

use anyhow::Result;
use serde_json::json;
use user_streams_axum::{Options, Shown};
use user_streams_browser::{Browser, Look, Site};

const ME: i64 = 42;
const PAYLOADS: &str =
    include_str!("../../../../crates/user-streams-axum/tests/http/xss_payloads.txt");

#[tokio::test]
#[ignore = "needs chromedriver"]
async fn no_payload_runs_as_text() -> Result<()> {
    nothing_runs(Options::new()).await
}

#[tokio::test]
#[ignore = "needs chromedriver"]
async fn no_payload_runs_as_html() -> Result<()> {
    nothing_runs(Options::new().with_shown(|item| Shown::html(&item.content))).await
}

/// As the page is made, and as items come.
async fn nothing_runs(options: Options) -> Result<()> {
    let site = Site::start(options.with_page_size(100)).await?;
    let payloads: Vec<_> = PAYLOADS.lines().collect();
    let (first, second) = payloads.split_at(payloads.len() / 2);
    for payload in first {
        site.streams.add_stream_item(ME, *payload).await?;
    }
    let browser = Browser::start(Look::default()).await?;
    browser.open(&site.page_of(ME)).await?;
    browser.until("document.querySelector('.us-aloud')").await?;
    for payload in second {
        site.streams.add_stream_item(ME, *payload).await?;
    }
    let count = payloads.len();
    browser.until(&format!("document.querySelectorAll('.us-item').length === {count}")).await?;
    // What a reader may touch is touched.
    let touch = "document.querySelectorAll('.us-text, .us-text *').forEach((element) => \
                 ['mouseover', 'focus', 'toggle', 'error', 'load'].forEach((event) => \
                 element.dispatchEvent(new Event(event))))";
    browser.value(touch).await?;
    assert!(!browser.has_dialog().await, "a dialog is open");
    // No element of content is a script, and none has a handler.
    let handlers = "[...document.querySelectorAll('.us-text *')].filter((element) => \
                    element.matches('script, iframe, object, embed, style, form, svg, math') || \
                    [...element.attributes].some(({ name }) => name.startsWith('on'))).length";
    assert_eq!(browser.value(handlers).await?, json!(0));
    assert_eq!(browser.value("document.scripts.length").await?, json!(1));
    browser.close().await
}
