//! W13: items as they come, to many who have subscribed, and what telling costs those who add.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use futures_util::StreamExt;
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, sleep},
};
use user_streams_core::{Streams, everyone};

use crate::{
    bench::Bench,
    child::{can_measure_memory, resident},
    fill,
    measure::{self, Series},
    report::{Row, thousands},
    store::Store,
};

const TASKS: usize = 64;
/// How often one user is sent something; everyone is so once a second.
const ADDS_A_SECOND: u64 = 100;

pub(crate) async fn run(bench: &Bench) -> Result<Vec<Row>> {
    let mut rows = subscribers(bench).await?;
    rows.push(adds(bench).await?);
    Ok(rows)
}

/// How late items came, in milliseconds.
type Delays = Arc<Mutex<Vec<f64>>>;

async fn subscribers(bench: &Bench) -> Result<Vec<Row>> {
    let number = bench.pick(200, 2_000);
    let duration = Duration::from_secs(bench.pick(3, 15));
    let store = bench.create_store("live").await?;
    let streams = store.live_streams(true).await?.with_audiences(true)?;
    streams.migrate().await?;
    // What another process would use.
    let adder = store.live_streams(true).await?.with_audiences(true)?;
    bench.status("W13: subscribing");
    let before = if can_measure_memory() { resident("VmRSS")? } else { 0 };
    let started = Instant::now();
    let delays = Delays::default();
    let mut running = subscribe(&streams, &adder, number, started, &delays).await?;
    let grown = if can_measure_memory() { resident("VmRSS")?.saturating_sub(before) } else { 0 };
    bench.status("W13: adding");
    delays.lock().unwrap_or_else(PoisonError::into_inner).clear();
    add_for(&adder, number, started, duration).await?;
    sleep(Duration::from_secs(3)).await;
    running.shutdown().await;
    let mut delays = delays.lock().unwrap_or_else(PoisonError::into_inner).clone();
    delays.sort_by(f64::total_cmp);
    let seconds = usize::try_from(duration.as_secs())?;
    let expected = seconds * (usize::try_from(ADDS_A_SECOND)? + number);
    ensure!(
        delays.len().abs_diff(expected) * 50 <= expected,
        "{} items came, of {expected}",
        delays.len()
    );
    streams.close().await?;
    adder.close().await?;
    bench.remove(&[store]).await?;
    let ours = |figure| vec![Series { program: "ours".to_owned(), rounds: vec![figure] }];
    let row = |case: &str, unit, figure| {
        let case = format!("{} subscribers, {case}", thousands(number as i64));
        Row::new(case, unit, ours(figure)).with_lower_is_better()
    };
    Ok(vec![
        row("p50 from the add", "ms", delays[delays.len() / 2]),
        row("p99 from the add", "ms", delays[delays.len() * 99 / 100]),
        row("memory of each", "KiB", grown as f64 / number as f64),
    ])
}

/// Subscribes users from 1 on, each in a task, and waits until they have begun.
async fn subscribe(
    streams: &Streams,
    adder: &Streams,
    number: usize,
    started: Instant,
    delays: &Delays,
) -> Result<JoinSet<()>> {
    let begun = Arc::new(AtomicUsize::new(0));
    let mut running = JoinSet::new();
    for user in 1..=number {
        let mut items = streams.get_stream_items(i64::try_from(user)?).subscribe();
        let (delays, begun) = (Arc::clone(delays), Arc::clone(&begun));
        running.spawn(async move {
            let mut is_first = true;
            while let Some(Ok(item)) = items.next().await {
                let now = started.elapsed().as_secs_f64() * 1_000.0;
                let Some(sent) = item.content.split(' ').next().and_then(|ms| ms.parse().ok())
                else {
                    continue;
                };
                let delay: f64 = now - f64::max(sent, 0.0);
                delays.lock().unwrap_or_else(PoisonError::into_inner).push(delay);
                if std::mem::take(&mut is_first) {
                    begun.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
    }
    // Everyone is sent something until all have received something.
    for _ in 0..60 {
        adder.add_stream_item(everyone(), content(started)).await?;
        sleep(Duration::from_millis(1_000)).await;
        if begun.load(Ordering::Relaxed) == number {
            return Ok(running);
        }
    }
    let begun = begun.load(Ordering::Relaxed);
    None.with_context(|| format!("{begun} of {number} subscriptions have begun"))
}

/// The milliseconds since the beginning, and some text.
fn content(started: Instant) -> String {
    format!("{:.3} {}", started.elapsed().as_secs_f64() * 1_000.0, fill::content(80))
}

async fn add_for(
    adder: &Streams,
    users: usize,
    started: Instant,
    duration: Duration,
) -> Result<()> {
    let mut ticks = interval(Duration::from_millis(1_000 / ADDS_A_SECOND));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut adding = JoinSet::new();
    for tick in 0..duration.as_secs() * ADDS_A_SECOND {
        ticks.tick().await;
        let adder = adder.clone();
        adding.spawn(async move {
            let user = fastrand::usize(1..=users);
            adder.add_stream_item(i64::try_from(user)?, content(started)).await?;
            if tick % ADDS_A_SECOND == 0 {
                adder.add_stream_item(everyone(), content(started)).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(added) = adding.join_next().await {
        added??;
    }
    Ok(())
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
