//! What happens elsewhere shows here.

use anyhow::{Context, Result};
use user_streams_axum::Options;
use user_streams_browser::{Browser, Look, Site};
use user_streams_core::everyone;

const ME: i64 = 42;

#[tokio::test]
#[ignore = "needs chromedriver"]
async fn an_item_that_comes_is_on_top_and_rings_the_bell_until_it_is_seen() -> Result<()> {
    let site = Site::start(Options::new()).await?;
    let browser = Browser::start(Look::default()).await?;
    browser.open(&site.page_of(ME)).await?;
    assert_eq!(browser.texts(".us-empty-title").await?, ["You are all caught up"]);
    browser.until("document.querySelector('.us-aloud')").await?;
    site.streams.add_stream_item(ME, "first").await?;
    browser.until("document.querySelectorAll('.us-item').length === 1").await?;
    site.streams.add_stream_item(ME, "second").await?;
    browser.until("document.querySelectorAll('.us-item').length === 2").await?;
    browser.until_texts(".us-text", &["second", "first"]).await?;
    browser.until_texts(".us-time", &["now", "now"]).await?;
    browser.until("document.querySelector('.us-unread-count').textContent === '2 unread'").await?;
    // One who looks at the top of the page has seen them.
    browser.until("document.querySelector('.us-badge').hidden").await?;
    assert_eq!(site.streams.get_stream_items(ME).unseen(9).await?, 0);
    browser.close().await
}

#[tokio::test]
#[ignore = "needs chromedriver"]
async fn what_is_marked_in_one_browser_shows_in_another() -> Result<()> {
    let site = Site::start(Options::new()).await?;
    for n in 0..3 {
        site.streams.add_stream_item(ME, format!("item {n}")).await?;
    }
    let (one, other) =
        (Browser::start(Look::default()).await?, Browser::start(Look::default()).await?);
    for browser in [&one, &other] {
        browser.open(&site.page_of(ME)).await?;
        browser.until("document.querySelectorAll('.us-unread').length === 3").await?;
    }
    one.click("form[data-us-do=read-all] button").await?;
    other.until("document.querySelectorAll('.us-unread').length === 0").await?;
    other.until("document.querySelector('.us-badge').hidden").await?;
    one.click(".us-item form[data-us-do=dismiss] button").await?;
    other.until("document.querySelectorAll('.us-item').length === 2").await?;
    one.close().await?;
    other.close().await
}

#[tokio::test]
#[ignore = "needs chromedriver"]
async fn what_comes_while_the_page_asks_what_there_is_stays() -> Result<()> {
    let site = Site::start(Options::new()).await?;
    site.streams.add_stream_item(ME, "first").await?;
    let browser = Browser::start(Look::default()).await?;
    browser.open(&site.page_of(ME)).await?;
    browser.until("document.querySelector('.us-aloud')").await?;
    browser.run(HELD_LISTS).await?;
    browser.click("form[data-us-do=read-all] button").await?;
    browser.until("window.release").await?;
    site.streams.add_stream_item(ME, "second").await?;
    browser.until("document.querySelectorAll('.us-unread').length === 2").await?;
    browser.run("window.release()").await?;
    // The answer, in which the second is not, has been shown.
    browser.until("document.querySelectorAll('.us-unread').length < 2").await?;
    browser.until_texts(".us-text", &["second", "first"]).await?;
    browser.close().await
}

/// An answer with the items is kept from the page until it is released.
const HELD_LISTS: &str = "const real = window.fetch; \
                          window.fetch = async (...request) => { \
                              const response = await real(...request); \
                              if (String(request[0]).endsWith('/list')) { \
                                  await new Promise((release) => { window.release = release; }); \
                              } \
                              return response; \
                          };";

#[tokio::test]
#[ignore = "needs chromedriver"]
async fn what_is_for_everyone_shows_to_two_users() -> Result<()> {
    let site = Site::start(Options::new()).await?;
    let (one, other) =
        (Browser::start(Look::default()).await?, Browser::start(Look::default()).await?);
    for (browser, user) in [(&one, 1), (&other, 2)] {
        browser.open(&site.page_of(user)).await?;
        browser.until("document.querySelector('.us-aloud')").await?;
    }
    site.streams.add_stream_item(everyone(), "Maintenance on Sunday").await?;
    for browser in [&one, &other] {
        browser.until("document.querySelectorAll('.us-item').length === 1").await?;
        browser.until_texts(".us-text", &["Maintenance on Sunday"]).await?;
    }
    one.close().await?;
    other.close().await
}

#[tokio::test]
#[ignore = "needs chromedriver"]
async fn one_who_reads_further_down_is_told_and_not_moved() -> Result<()> {
    let site = Site::start(Options::new()).await?;
    for n in 0..40 {
        site.streams.add_stream_item(ME, format!("item {n}")).await?;
    }
    let browser = Browser::start(Look::default()).await?;
    browser.open(&site.page_of(ME)).await?;
    browser.until("document.querySelector('.us-aloud')").await?;
    browser
        .value("document.querySelectorAll('.us-item')[10].scrollIntoView({ block: 'center' })")
        .await?;
    let place = "document.querySelector('[data-us-cursor=PLACE]').getBoundingClientRect().top";
    let cursor =
        browser.value("document.querySelectorAll('.us-item')[10].dataset.usCursor").await?;
    let place = place.replace("PLACE", cursor.as_str().unwrap_or_default());
    browser.until("scrollY > 200").await?;
    let before = browser.value(&place).await?.as_f64().context("a number")?;
    site.streams.add_stream_item(ME, "new").await?;
    browser.until("document.querySelector('.us-pill')").await?;
    let after = browser.value(&place).await?.as_f64().context("a number")?;
    // Browsers scroll by whole pixels.
    assert!((after - before).abs() < 2.0, "{before} {after}");
    browser.click(".us-pill").await?;
    browser.until("scrollY === 0 && !document.querySelector('.us-pill')").await?;
    browser.close().await
}

#[tokio::test]
#[ignore = "needs chromedriver"]
async fn the_bell_is_live_on_a_page_of_the_application_and_absent_for_nobody() -> Result<()> {
    let site = Site::start(Options::new()).await?;
    site.streams.add_stream_item(ME, "first").await?;
    let browser = Browser::start(Look::default()).await?;
    browser.open(&site.own_page_of(&ME.to_string())).await?;
    browser.until("document.querySelector('.us-badge')?.textContent === '1'").await?;
    site.streams.add_stream_item(ME, "second").await?;
    browser.until("document.querySelector('.us-badge').textContent === '2'").await?;
    // What is answered is where one logs in: that is no part of the page.
    browser.open(&site.own_page_of("nobody")).await?;
    let asked = "performance.getEntriesByType('resource').some(({ name, responseEnd }) => \
                 name.endsWith('/bell') && responseEnd > 0)";
    browser.until(asked).await?;
    browser.until("document.querySelector('.us-aloud')").await?;
    assert!(browser.value("document.querySelector('form') === null").await? == true);
    assert!(browser.value("document.querySelector('[data-us-part]') !== null").await? == true);
    browser.close().await
}
