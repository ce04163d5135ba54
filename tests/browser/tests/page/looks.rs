//! How it looks: small and wide, light and dark, enlarged, to those who hear it.

use std::{env, fs, path::PathBuf};

use anyhow::{Context, Result};
use chrono::{TimeDelta, Utc};
use serde_json::json;
use user_streams_axum::{Options, Shown};
use user_streams_browser::{Browser, Look, Site};
use user_streams_core::{NewItem, everyone};

const ME: i64 = 42;

const EVENTS: [&str; 11] = [
    "Ann Kowalska replied to your question: “Have you tried turning WAL on?”",
    "Your order 1204 is on its way. It arrives on Thursday, between 9 and 12.",
    "🎉 Chidi has joined the team. Say hello!",
    "מיכל הזמינה אותך לצוות ״גיבוי ושחזור״",
    "Build 881 of main failed after 4 min 12 s: 2 of 1,208 tests",
    "Dana mentioned you in “Release notes for 0.2”\nCan you have a look before we publish?",
    "Björn and 3 others liked your photo",
    "علّقت ليلى على منشورك: «شكرًا جزيلاً، هذا ما كنت أبحث عنه»",
    "Farid answered in “Fan-out on write or on read?”",
    "さくらさんがあなたの写真にコメントしました：「きれいですね！」",
    "Invoice 2026-055 has been paid",
];

async fn example() -> Result<Site> {
    let site =
        Site::start(Options::new().with_shown(|item| {
            Shown::text(&item.content).with_link(format!("/items/{}", item.id))
        }))
        .await?;
    let now = Utc::now();
    for n in (0_i32..60).rev() {
        let at = now - TimeDelta::minutes(i64::from(n * n) * 7 + 2);
        let content = EVENTS[n.unsigned_abs() as usize % EVENTS.len()];
        site.streams.add_stream_item(ME, NewItem::new(content).with_created_at(&at)).await?;
    }
    let at = now - TimeDelta::minutes(50);
    let maintenance = NewItem::new("Maintenance on Sunday, from 2 to 4 in the morning (UTC)");
    site.streams.add_stream_item(everyone(), maintenance.with_created_at(&at)).await?;
    let items = site.streams.get_stream_items(ME);
    let read = items.get(3).await?.context("there are more")?.cursor();
    items.mark_read().up_to(read).await?;
    items.mark_seen().up_to(read).await?;
    Ok(site)
}

#[tokio::test]
#[ignore = "needs chromedriver"]
async fn it_is_light_or_dark_as_the_system_is() -> Result<()> {
    let site = example().await?;
    let mut seen = Vec::new();
    for is_dark in [false, true] {
        let browser = Browser::start(Look { is_dark, ..Look::default() }).await?;
        browser.open(&site.page_of(ME)).await?;
        let lightness =
            "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)[0]";
        seen.push(browser.value(lightness).await?.as_f64().context("a number")?);
        browser.close().await?;
    }
    assert!(seen[0] > 200.0 && seen[1] < 50.0, "{seen:?}");
    Ok(())
}

/// 640 is a screen of 1280 at 200 %, 320 one at 400 %: what WCAG asks for.
#[tokio::test]
#[ignore = "needs chromedriver"]
async fn enlarged_nothing_is_cut_off_or_needs_scrolling_sideways() -> Result<()> {
    let site = example().await?;
    site.streams.add_stream_item(ME, "x".repeat(400)).await?;
    let browser = Browser::start(Look::default()).await?;
    for scale in [2, 4] {
        browser.open(&site.page_of(ME)).await?;
        // The narrowest window of Chromium is wider than this, so the page is made narrow.
        let width = 1280 / scale;
        let narrow = format!("document.body.style.width = '{width}px'");
        browser.value(&narrow).await?;
        let wide = format!(
            "[...document.querySelectorAll('.us-page *')].filter((element) => \
             !element.closest('.us-skip, .us-aloud, .us-state, .us-pill, svg') && \
             element.getBoundingClientRect().right > {width} + 1) \
             .map((element) => element.className)"
        );
        assert_eq!(browser.value(&wide).await?, json!([]), "at {scale}00 %");
    }
    browser.close().await
}

/// The script of axe-core is named by `AXE_CORE`; `cargo xtask test` has it from a package.
#[tokio::test]
#[ignore = "needs chromedriver, and axe-core by AXE_CORE"]
async fn axe_core_finds_no_fault() -> Result<()> {
    let script = env::var("AXE_CORE").context("AXE_CORE names axe.min.js")?;
    let script = fs::read_to_string(&script).context(script)?;
    let site = example().await?;
    for (width, is_dark, path) in [(1100, false, ""), (500, true, ""), (1100, true, "?page=2")] {
        let browser = Browser::start(Look { width, is_dark, has_script: true }).await?;
        browser.open(&format!("{}{path}", site.page_of(ME))).await?;
        browser.until("document.querySelector('.us-aloud')").await?;
        browser.run(&script).await?;
        let run = "const done = arguments[0]; axe.run().then(({ violations }) => \
                   done(violations.map(({ impact, id, nodes }) => \
                   `${impact}: ${id}: ${nodes[0].html}`)))";
        let faults = browser.run_async(run).await?;
        assert_eq!(faults, json!([]), "{width} {path}");
        browser.close().await?;
    }
    Ok(())
}

/// The pictures of the documents, into the directory that `PICTURES` names; else they are thrown
/// away.
#[tokio::test]
#[ignore = "needs chromedriver; writes the pictures of the documents"]
async fn pictures() -> Result<()> {
    let thrown_away = tempfile::tempdir()?;
    let directory = env::var_os("PICTURES").map_or(thrown_away.path().to_owned(), PathBuf::from);
    let site = example().await?;
    for (name, width, is_dark) in [
        ("page-light", 1000, false),
        ("page-dark", 1000, true),
        ("page-small-light", 500, false),
        ("page-small-dark", 500, true),
    ] {
        let browser = Browser::start(Look { width, is_dark, has_script: true }).await?;
        browser.open(&site.page_of(ME)).await?;
        browser.until("document.querySelector('.us-time').textContent.endsWith('ago')").await?;
        let picture = browser.picture().await?;
        let path = directory.join(name).with_extension("png");
        fs::write(&path, picture).with_context(|| format!("cannot write {}", path.display()))?;
        browser.close().await?;
    }
    Ok(())
}
