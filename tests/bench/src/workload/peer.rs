//! The library's side of a comparison with a program in another language, which asks for one round
//! at a time: see `tests/bench/peers/`.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use user_streams_core::{Paginator, Streams};

use crate::{
    fill::{self, READER},
    program::PAGE,
    store::Store,
};

/// What the other program asks for, a line each.
#[derive(Debug, Deserialize)]
enum Request {
    /// Adds so many items to one user's stream, and each of them to so many others.
    Fill { items: i64, width: i64 },
    /// How often a second this is done.
    Rate { case: Case, seconds: f64 },
}

#[derive(Clone, Copy, Debug, Deserialize)]
enum Case {
    /// Adds to one user.
    Add,
    /// Adds to the users from 1 to this one.
    Broadcast(i64),
    /// The first items.
    Slice,
    /// A numbered page of these, with the number of all pages.
    Page,
    /// The same without.
    PageAlone,
}

/// Answers each line with one, until the input ends.
pub(super) async fn child(store: &Store) -> Result<()> {
    fill::create(store).await?;
    let streams = store.streams().await?;
    for line in io::stdin().lines() {
        match serde_json::from_str(&line?)? {
            Request::Fill { items, width } => {
                fill::feed(store, items, width).await?;
                println!("0");
            }
            Request::Rate { case, seconds } => {
                let round = rate(&streams, case, Duration::from_secs_f64(seconds));
                println!("{}", round.await?);
            }
        }
    }
    streams.close().await?;
    fill::drop(store).await
}

async fn rate(streams: &Streams, case: Case, duration: Duration) -> Result<f64> {
    let users: Arc<[i64]> = match case {
        Case::Broadcast(users) => (1..=users).collect(),
        _ => Arc::default(),
    };
    let content = fill::content(100);
    let items = streams.get_stream_items(READER);
    let (started, mut done) = (Instant::now(), 0_u32);
    while started.elapsed() < duration {
        let length = match case {
            Case::Add => {
                // Not to the reader, whose number of items is to stay.
                let user = fastrand::i64(2..=1_000);
                streams.add_stream_item(user, &*content).await?.delivered
            }
            Case::Broadcast(_) => streams.add_stream_item(&*users, &*content).await?.delivered,
            Case::Slice => items.slice(..PAGE).await?.len() as u64,
            Case::Page | Case::PageAlone => {
                let paginator = Paginator::new(items.clone(), PAGE);
                let page = paginator.page(1).await?;
                if matches!(case, Case::Page) {
                    paginator.num_pages().await.context("no count")?;
                }
                page.len() as u64
            }
        };
        let expected = match case {
            Case::Add => 1,
            Case::Broadcast(users) => users.cast_unsigned(),
            _ => PAGE as u64,
        };
        ensure!(length == expected, "{case:?}: {length}");
        done += 1;
    }
    Ok(f64::from(done) / started.elapsed().as_secs_f64())
}
