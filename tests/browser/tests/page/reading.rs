//! Reading: to the end, by pages, one by one.

use anyhow::Result;
use serde_json::json;
use user_streams_axum::Options;
use user_streams_browser::{Browser, Look, Site};

const ME: i64 = 42;

async fn filled(count: usize) -> Result<Site> {
    let site = Site::start(Options::new()).await?;
    for n in 0..count {
        site.streams.add_stream_item(ME, format!("item {n}")).await?;
    }
    Ok(site)
}

#[tokio::test]
#[ignore = "needs chromedriver"]
async fn scrolling_shows_every_item_once_in_order() -> Result<()> {
    let site = filled(95).await?;
    let browser = Browser::start(Look::default()).await?;
    browser.open(&site.page_of(ME)).await?;
    let scroll = "(scrollTo(0, document.body.scrollHeight), \
                  document.querySelector('.us-more-below').textContent === 'That is all')";
    browser.until(scroll).await?;
    let texts = browser.texts(".us-text").await?;
    let expected: Vec<_> = (0..95).rev().map(|n| format!("item {n}")).collect();
    assert_eq!(texts, expected);
    assert_eq!(browser.texts(".us-pages").await?, [""], "the numbers are not shown");
    browser.close().await
}

#[tokio::test]
#[ignore = "needs chromedriver"]
async fn without_a_script_there_are_numbered_pages_and_forms() -> Result<()> {
    let site = filled(45).await?;
    let browser = Browser::start(Look { has_script: false, ..Look::default() }).await?;
    browser.open(&site.page_of(ME)).await?;
    browser.until_texts(".us-text", &["item 44"]).await?;
    browser.click(".us-pages a[rel=next]").await?;
    browser.until_texts(".us-text", &["item 24", "item 23"]).await?;
    browser.until_texts(".us-here", &["2"]).await?;
    browser.click(".us-item:nth-of-type(2) form[data-us-do=dismiss] button").await?;
    browser.until_texts(".us-text", &["item 24", "item 22"]).await?;
    browser.until_texts(".us-here", &["2"]).await?; // the form returns to its page
    browser.click("form[data-us-do=read-all] button").await?;
    browser.until_texts(".us-unread-count", &["All read"]).await?;
    let unread = site.streams.get_stream_items(ME).unread(100).await?;
    assert_eq!(unread, 0);
    browser.close().await
}

#[tokio::test]
#[ignore = "needs chromedriver"]
async fn an_item_is_dismissed_and_shown_again() -> Result<()> {
    let site = filled(3).await?;
    let browser = Browser::start(Look::default()).await?;
    browser.open(&site.page_of(ME)).await?;
    browser.until("document.querySelector('.us-aloud')").await?;
    browser.click(".us-item:nth-of-type(2) form[data-us-do=dismiss] button").await?;
    browser.until("document.querySelectorAll('.us-item').length === 2").await?;
    assert_eq!(browser.texts(".us-text").await?, ["item 2", "item 0"]);
    browser.until("document.querySelector('.us-toast button')").await?;
    browser.click(".us-toast button").await?;
    browser.until("document.querySelectorAll('.us-item').length === 3").await?;
    assert_eq!(browser.texts(".us-text").await?, ["item 2", "item 1", "item 0"]);
    browser.close().await
}

#[tokio::test]
#[ignore = "needs chromedriver"]
async fn keys_go_from_item_to_item_and_the_focus_stays_when_one_is_read() -> Result<()> {
    let site = filled(4).await?;
    let browser = Browser::start(Look::default()).await?;
    browser.open(&site.page_of(ME)).await?;
    browser.until("document.querySelector('.us-aloud')").await?;
    browser.value("document.querySelector('.us-item').focus()").await?;
    browser.press("j").await?;
    browser.press("\u{e00f}").await?; // Page Down
    browser.press("k").await?;
    let focus = "document.activeElement.querySelector('.us-text').textContent";
    assert_eq!(browser.value(focus).await?, json!("item 2"));
    let button = "document.activeElement.querySelector('form[data-us-do=read] button')";
    browser.value(&format!("{button}.focus()")).await?;
    browser.press("\u{e007}").await?; // Enter
    let is_read = "document.activeElement.matches('form[data-us-do=unread] button')";
    browser.until(is_read).await?;
    assert_eq!(site.streams.get_stream_items(ME).unread(9).await?, 3);
    browser.close().await
}
