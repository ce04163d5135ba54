//! The items of an example.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use tempfile::TempDir;
use tokio::time;
use user_streams::{NewItem, Settings, Streams, everyone};
use user_streams_axum::{Options, Shown};

use crate::{failure::Failure, session::Session};

pub(super) const USER: i64 = 42;
/// How long until something new comes.
const INTERVAL: Duration = Duration::from_secs(4);

/// A path, and what stands there.
const EVENTS: [&str; 12] = [
    "/posts/7 Ann Kowalska replied to your question: “Have you tried turning WAL on?”",
    "/orders/1204 Your order 1204 is on its way. It arrives on Thursday, between 9 and 12.",
    "/posts/7 Björn and 3 others liked your photo",
    "/teams/7 מיכל הזמינה אותך לצוות ״גיבוי ושחזור״",
    "/builds/881 Build 881 of main failed after 4 min 12 s: 2 of 1,208 tests",
    "/people/3 🎉 Chidi has joined the team. Say hello!",
    "/posts/9 علّقت ليلى على منشورك: «شكرًا جزيلاً، هذا ما كنت أبحث عنه»",
    "/invoices/55 Invoice 2026-055 has been paid",
    "/posts/11 Dana mentioned you in “Release notes for 0.2”\nCan you look at the part about \
     live updates before we publish?",
    "/posts/12 Farid answered in “Fan-out on write or on read?”",
    "/posts/14 <b>Not bold</b>, since content is text: <script>alert('and harmless')</script>",
    "/photos/3 さくらさんがあなたの写真にコメントしました：「きれいですね！」",
];

/// Streams that something comes into, as long as this is there.
pub(super) struct Demo {
    pub(super) streams: Streams,
    adding: tokio::task::JoinHandle<()>,
    _directory: TempDir,
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.adding.abort();
    }
}

/// Fills a file of SQLite, and adds to it from then on.
pub(super) async fn start(session: &Session) -> Result<Demo, Failure> {
    let directory = tempfile::tempdir()
        .map_err(|error| Failure::failed(format!("cannot make a directory: {error}")))?;
    let file = directory.path().join("feeds.db");
    let settings = Settings::new(format!("single-table+sqlite://{}?mode=rwc", file.display()))
        .with_audiences(true)
        .with_dismissals(true)
        .with_item_marks(true);
    let streams = session.connect_to(settings).await?;
    streams.migrate().await?;
    fill(&streams).await?;
    let adding = tokio::spawn(add(streams.clone()));
    Ok(Demo { streams, adding, _directory: directory })
}

/// How items are shown: those of the example have the path that they lead to before their text.
pub(super) fn options(is_demo: bool) -> Options {
    let options = Options::new();
    if !is_demo {
        return options;
    }
    options.with_shown(|item| match item.content.split_once(' ') {
        Some((path, text)) if path.starts_with('/') => Shown::text(text).with_link(path),
        _ => Shown::text(&item.content),
    })
}

/// What there is from the beginning: a few weeks' items, most of them read.
async fn fill(streams: &Streams) -> user_streams::Result<()> {
    let now = Utc::now();
    for n in (1..=120_i32).rev() {
        let at = now - TimeDelta::minutes(i64::from(n * n) * 4 - 3);
        let content = EVENTS[n.unsigned_abs() as usize % EVENTS.len()];
        streams.add_stream_item(USER, NewItem::new(content).with_created_at(&at)).await?;
    }
    let maintenance = NewItem::new("Maintenance on Sunday, from 2 to 4 in the morning (UTC)");
    let at = now - TimeDelta::minutes(40);
    streams.add_stream_item(everyone(), maintenance.with_created_at(&at)).await?;
    let items = streams.get_stream_items(USER);
    if let Some(item) = items.get(4).await? {
        items.mark_read().up_to(item.cursor()).await?;
        items.mark_seen().up_to(item.cursor()).await?;
    }
    Ok(())
}

async fn add(streams: Streams) {
    for content in EVENTS.iter().cycle() {
        time::sleep(INTERVAL).await;
        // What fails once may work the next time.
        let _ = streams.add_stream_item(USER, *content).await;
    }
}
