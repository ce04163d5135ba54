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
    proxy::Proxy,
    streams::{connect_with, with_timeouts},
};
use user_streams_core::Streams;
use user_streams_redis::RedisConfig;

const MIB: usize = 1024 * 1024;

/// A timeout that a part meets on a busy machine too.
fn config() -> RedisConfig {
    with_timeouts(Duration::from_secs(3), Duration::from_secs(5))
}

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

/// Reads a page of so many items by a new backend, which has seen no long content yet, or by one
/// that expects short content by now.
async fn page_of(config: RedisConfig, items: usize, length: usize, warm: bool) -> usize {
    let server = Redis::start(&[]);
    let filled = connect_with(&server.url(), config.clone()).await;
    for _ in 0..20 {
        filled.add_stream_item([2, 4], "short and shared".repeat(10)).await.unwrap();
    }
    fill(&filled, &[1, 3], items, length).await;

    // One connection and one caller, whose longest answer is measured.
    let proxy = Proxy::before(server.port);
    let single = connect_with(&proxy.url(), config.clone().with_max_connections(1)).await;
    let streams = connect_with(&server.url(), config).await;
    if warm {
        for streams in [&single, &streams] {
            for _ in 0..2_000 {
                streams.get_stream_items(2).slice(0..20).await.unwrap();
            }
        }
    }
    proxy.take_longest_answer();
    let pages = async |streams: &Streams| {
        let older = streams.get_stream_items(1).cursor_page(items).await.unwrap().items;
        for (number, item) in older.iter().rev().enumerate() {
            assert!(item.content == content(number, length), "{number}");
        }
        older
    };
    let older = pages(&single).await;
    assert_eq!(older.len(), items);
    let oldest = older.last().unwrap().cursor();
    let newer = single.get_stream_items(1).cursor_page(items).before(oldest).await.unwrap().items;
    assert_eq!(newer, older[..items - 1]);
    let longest_answer = proxy.take_longest_answer();

    let start = Instant::now();
    let (_, longest, median) = others(&streams, pages(&streams)).await;
    println!(
        "a page of {items} items, {} MiB: {:?}; answers of up to {} KiB; another's page meanwhile: \
         {median:?}, at most {longest:?}",
        items * length / MIB,
        start.elapsed(),
        longest_answer / 1024,
    );
    longest_answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_60_mib_is_read_by_answers_of_a_limited_size() {
    let longest = page_of(config(), 256, 240 * 1024, false).await;
    assert!(longest < 600 * 1024, "{longest}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shared_content_of_60_mib_is_read_by_answers_of_a_limited_size() {
    let config = config().with_shared_content_min_len(100);
    let longest = page_of(config, 256, 240 * 1024, false).await;
    assert!(longest < 600 * 1024, "{longest}");
}

/// The first answer is of 64 items; the next ones are limited.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_content_after_much_short_content_surprises_once() {
    let longest = page_of(config(), 256, 100 * 1024, true).await;
    assert!(longest < 70 * 100 * 1024, "{longest}");
}

/// Far more than one operation could read within its timeout.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_150_mib_is_read_in_parts_that_have_a_timeout_each() {
    let longest = page_of(config(), 150, MIB, false).await;
    assert!(longest < MIB + 300 * 1024, "{longest}");
}
