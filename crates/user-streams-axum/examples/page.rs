//! The page, with something new every few seconds: `cargo run -p user-streams-axum --example page`,
//! and open the address that it prints. Another one than 127.0.0.1:3000 can be given.

use std::{env, error::Error, time::Duration};

use axum::{Router, http::request::Parts, response::Redirect, routing::get};
use chrono::{TimeDelta, Utc};
use tokio::{net::TcpListener, signal, time};
use user_streams_axum::{Options, Shown, router};
use user_streams_core::{MemoryBackend, NewItem, Streams, everyone};

const ME: i64 = 42;

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

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let streams = Streams::from_backend(MemoryBackend::default())
        .with_audiences(true)?
        .with_dismissals(true)?
        .with_item_marks(true)?;
    fill(&streams).await?;

    let options = Options::new().with_shutdown(stopped()).with_shown(|item| {
        match item.content.split_once(' ') {
            Some((path, text)) if path.starts_with('/') => Shown::text(text).with_link(path),
            _ => Shown::text(&item.content),
        }
    });
    // An application asks the session instead.
    let who = async |_: Parts| Ok::<_, Redirect>(ME);
    let app = Router::new()
        .route("/", get(async || Redirect::to("/feed")))
        .nest("/feed", router(streams.clone(), who, options));

    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("http://{}/feed", listener.local_addr()?);
    tokio::spawn(add(streams));
    axum::serve(listener, app).with_graceful_shutdown(stopped()).await?;
    Ok(())
}

/// What there is from the beginning: a few weeks' items, most of them read.
async fn fill(streams: &Streams) -> user_streams_core::Result<()> {
    let now = Utc::now();
    for n in (1..=120_i32).rev() {
        let at = now - TimeDelta::minutes(i64::from(n * n) * 4 - 3);
        let content = EVENTS[n.unsigned_abs() as usize % EVENTS.len()];
        streams.add_stream_item(ME, NewItem::new(content).with_created_at(&at)).await?;
    }
    let maintenance = NewItem::new("Maintenance on Sunday, from 2 to 4 in the morning (UTC)");
    let at = now - TimeDelta::minutes(40);
    streams.add_stream_item(everyone(), maintenance.with_created_at(&at)).await?;
    let items = streams.get_stream_items(ME);
    if let Some(item) = items.get(4).await? {
        items.mark_read().up_to(item.cursor()).await?;
        items.mark_seen().up_to(item.cursor()).await?;
    }
    Ok(())
}

async fn add(streams: Streams) {
    for content in EVENTS.iter().cycle() {
        time::sleep(Duration::from_secs(4)).await;
        if let Err(error) = streams.add_stream_item(ME, *content).await {
            eprintln!("{error}");
        }
    }
}

async fn stopped() {
    // Without signals it is stopped by other means.
    if signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
