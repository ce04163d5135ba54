//! Pages of long content: read in parts, so that others are not held up and none times out.
//!
//! `cargo test -p user-streams-redis --test large_pages`
//!
//! With `-- --nocapture` it shows the times.

mod common;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use common::{
    Redis,
    streams::{TIMEOUT, config, connect_with},
};
use user_streams_core::{Recipients, Streams};
use user_streams_redis::RedisConfig;

const MIB: usize = 1024 * 1024;

/// Content that is told by its number.
fn content(number: usize, length: usize) -> String {
    format!("{number:>8}").repeat(length / 8)
}

async fn fill(streams: &Streams, users: &[i64], items: usize, length: usize) {
    for number in 0..items {
        streams.add_stream_item(users, content(number, length)).await.unwrap();
    }
}

/// The longest and the median time of another user's page while a future runs.
async fn others<T>(streams: &Streams, busy: impl Future<Output = T>) -> (T, Duration, Duration) {
    let stop = Arc::new(AtomicBool::new(false));
    let reader = tokio::spawn({
        let (streams, stop) = (streams.clone(), Arc::clone(&stop));
        async move {
            let mut times = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let start = Instant::now();
                assert_eq!(streams.get_stream_items(2).slice(0..20).await.unwrap().len(), 20);
                times.push(start.elapsed());
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            times
        }
    });
    let result = busy.await;
    stop.store(true, Ordering::Relaxed);
    let mut times = reader.await.unwrap();
    times.sort();
    (result, times.last().copied().unwrap_or_default(), times[times.len() / 2])
}

/// A fresh backend, which has seen no long content yet.
async fn page_of(config: RedisConfig, items: usize, length: usize) {
    let server = Redis::start(&[]);
    let filled = connect_with(&server.url(), config.clone()).await;
    filled.add_stream_item(Recipients::iter([2]), "short").await.unwrap();
    for _ in 1..20 {
        filled.add_stream_item(2, "short").await.unwrap();
    }
    fill(&filled, &[1, 3], items, length).await;
    let streams = connect_with(&server.url(), config).await;
    let start = Instant::now();
    let page = streams.get_stream_items(1);
    let (page, longest, median) = others(&streams, async { page.cursor_page(items).await }).await;
    let page = page.unwrap();
    let bytes = items * length / MIB;
    println!(
        "a page of {items} items, {bytes} MiB: {:?}; another's page meanwhile: {median:?}, at most \
         {longest:?}",
        start.elapsed()
    );
    assert_eq!(page.items.len(), items);
    for (number, item) in page.items.iter().rev().enumerate() {
        assert!(item.content == content(number, length), "{number}");
    }
    // On a machine that is busy with other tests.
    assert!(longest < Duration::from_millis(400), "{longest:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_60_mib_does_not_hold_up_others() {
    page_of(config(), 256, 240 * 1024).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_shared_content_does_not_hold_up_others() {
    page_of(config().with_shared_content_min_len(100), 256, 240 * 1024).await;
}

/// Far more than one operation could read within its timeout.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_150_mib_is_read_in_parts_that_have_a_timeout_each() {
    let start = Instant::now();
    page_of(config(), 150, MIB).await;
    assert!(start.elapsed() > TIMEOUT);
}
