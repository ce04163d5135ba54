//! W13: items as they come, to many who have subscribed, and what telling costs those who add.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use tokio::{task::JoinSet, time::sleep};
use user_streams_core::{Streams, everyone};

use crate::{
    bench::Bench,
    child::{self, Task, resident},
    fill,
    measure::{self, Series},
    report::{Row, thousands},
    store::Store,
    workload::adding::{self, ADDS_A_SECOND, Delays},
};

const TASKS: usize = 64;

pub(crate) async fn run(bench: &Bench) -> Result<Vec<Row>> {
    let mut rows = subscribers(bench).await?;
    rows.push(adds(bench).await?);
    Ok(rows)
}

/// What subscribers get and take.
#[derive(Debug, Serialize, Deserialize)]
struct Subscribed {
    p50_ms: f64,
    p99_ms: f64,
    /// Of memory, each.
    kib: f64,
}

async fn subscribers(bench: &Bench) -> Result<Vec<Row>> {
    if !child::can_measure_memory() {
        eprintln!("W13 is skipped in part: it needs /proc/self/status of Linux");
        return Ok(Vec::new());
    }
    let (number, seconds) = (bench.pick(200, 2_000), bench.pick(3, 15));
    bench.status("W13: subscribing, and adding");
    let store = bench.create_store("live").await?;
    let task = Task::Subscribe { store: store.clone(), number, seconds };
    let Subscribed { p50_ms, p99_ms, kib } = child::run(&task).await?;
    bench.remove(&[store]).await?;
    let row = |case: &str, unit, figure| {
        let ours = vec![Series { program: "ours".to_owned(), rounds: vec![figure] }];
        let case = format!("{} subscribers, {case}", thousands(number as i64));
        Row::new(case, unit, ours).with_lower_is_better()
    };
    Ok(vec![
        row("p50 from the add", "ms", p50_ms),
        row("p99 from the add", "ms", p99_ms),
        row("memory of each", "KiB", kib),
    ])
}

/// Subscribes so many users, adds for so many seconds, and prints what came of it.
pub(super) async fn child(store: &Store, number: usize, seconds: u64) -> Result<()> {
    let streams = store.live_streams(true).await?.with_audiences(true)?;
    streams.migrate().await?;
    // What another process would use.
    let adder = store.live_streams(true).await?.with_audiences(true)?;
    // Connections and prepared statements do not count.
    adder.add_stream_item(everyone(), adding::content()).await?;
    streams.get_stream_items(1).slice(..1).await?;
    let before = resident("VmRSS")?;
    let delays = Arc::new(Delays::default());
    let mut running = subscribe(&streams, &adder, number, &delays).await?;
    let grown = resident("VmRSS")?.saturating_sub(before);
    delays.take();
    adding::add_for(&adder, number, Duration::from_secs(seconds)).await?;
    sleep(Duration::from_secs(3)).await;
    running.shutdown().await;
    let delays = delays.take();
    let expected = usize::try_from(seconds)? * (usize::try_from(ADDS_A_SECOND)? + number);
    ensure!(
        delays.len().abs_diff(expected) * 50 <= expected,
        "{} items came, of {expected}",
        delays.len()
    );
    streams.close().await?;
    adder.close().await?;
    let subscribed = Subscribed {
        p50_ms: delays[delays.len() / 2],
        p99_ms: delays[delays.len() * 99 / 100],
        kib: grown as f64 / number as f64,
    };
    println!("{}", serde_json::to_string(&subscribed)?);
    Ok(())
}

/// Subscribes users from 1 on, each in a task, and waits until they have begun.
async fn subscribe(
    streams: &Streams,
    adder: &Streams,
    number: usize,
    delays: &Arc<Delays>,
) -> Result<JoinSet<()>> {
    let begun = Arc::new(AtomicUsize::new(0));
    let mut running = JoinSet::new();
    for user in 1..=number {
        let mut items = streams.get_stream_items(i64::try_from(user)?).subscribe();
        let (delays, begun) = (Arc::clone(delays), Arc::clone(&begun));
        running.spawn(async move {
            let mut is_first = true;
            while let Some(Ok(item)) = items.next().await {
                delays.note(&item.content);
                if std::mem::take(&mut is_first) {
                    begun.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
    }
    // Everyone is sent something until all have received something.
    for _ in 0..60 {
        adder.add_stream_item(everyone(), adding::content()).await?;
        sleep(Duration::from_millis(1_000)).await;
        if begun.load(Ordering::Relaxed) == number {
            return Ok(running);
        }
    }
    let begun = begun.load(Ordering::Relaxed);
    None.with_context(|| format!("{begun} of {number} subscriptions have begun"))
}

/// Adds while the backend tells, beside adds while it does not.
async fn adds(bench: &Bench) -> Result<Row> {
    let duration = Duration::from_millis(bench.pick(400, 800));
    let stores = [bench.create_store("told").await?, bench.create_store("untold").await?];
    let cases = [
        ("ours".to_owned(), told(&stores[0], true).await?),
        ("not live".to_owned(), told(&stores[1], false).await?),
    ];
    let content: Arc<str> = fill::content(100).into();
    bench.status("W13: adds");
    let series = measure::alternate_cases(&bench.bar, &cases, Bench::ROUNDS, |streams| {
        let content = Arc::clone(&content);
        measure::rate(TASKS, duration, move || {
            let add = streams.add_stream_item(fastrand::i64(1..=1_000), &*content);
            async move {
                add.await?;
                Ok(())
            }
        })
    })
    .await?;
    for (_, streams) in &cases {
        streams.close().await?;
    }
    bench.remove(&stores).await?;
    let case = "adds from 64 tasks, live compared with not";
    Ok(Row::of_cases(case, "adds/s", series).with_targets(&[Some(0.8)]))
}

async fn told(store: &Store, live: bool) -> Result<Streams> {
    store.live_streams(live).await
}
