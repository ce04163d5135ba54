//! W8: a mixed load of 90 % page reads, 9 % adds and 1 % broadcasts to 1,000, from 16 tasks.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Result;
use tokio::time::Instant;

use crate::{
    bench::Bench,
    fill, measure,
    measure::Series,
    program::{self, Program},
    report::Row,
};

const TASKS: usize = 16;
const USERS: i64 = 1_000;

/// The milliseconds of each operation, by program.
type Latencies = Arc<Mutex<BTreeMap<&'static str, Vec<f64>>>>;

pub(crate) async fn run(bench: &Bench) -> Result<Vec<Row>> {
    let duration = Duration::from_millis(bench.pick(600, 4_000));
    let (mut stores, mut programs) = (Vec::new(), Vec::new());
    for name in ["ours", "same"] {
        let store = bench.create_store(&format!("mixed_{name}")).await?;
        bench.status("W8: filling");
        // Each other feed gets every hundredth item: all users have ten items or more.
        fill::feed(&store, 1_000, USERS / 100 + 1).await?;
        programs.push(if name == "ours" {
            program::ours(&store).await?
        } else {
            program::same_driver(&store).await?
        });
        stores.push(store);
    }
    bench.status("W8: mixed load");
    let (content, users): (Arc<str>, Arc<[i64]>) =
        (fill::content(100).into(), (1..=USERS).collect());
    let latencies = Latencies::default();
    let series = measure::alternate(&bench.bar, &programs, Bench::ROUNDS, |program| {
        let (latencies, content, users) =
            (Arc::clone(&latencies), Arc::clone(&content), Arc::clone(&users));
        measure::rate(TASKS, duration, move || {
            operation(
                Arc::clone(&program),
                Arc::clone(&latencies),
                Arc::clone(&content),
                Arc::clone(&users),
            )
        })
    });
    let mut rows = vec![Row::new("mixed, 16 tasks", "operations/s", series.await?)];
    let latencies = std::mem::take(&mut *latencies.lock().unwrap_or_else(PoisonError::into_inner));
    for (case, part) in [("mixed, p50", 0.5), ("mixed, p99", 0.99)] {
        let series = programs.iter().map(|program| {
            let mut all = latencies.get(program.name()).cloned().unwrap_or_default();
            all.sort_by(f64::total_cmp);
            let at = (part * all.len().saturating_sub(1) as f64) as usize;
            Series {
                program: program.name().to_owned(),
                rounds: vec![all.get(at).copied().unwrap_or(f64::NAN)],
            }
        });
        rows.push(Row::new(case, "ms", series.collect()).with_lower_is_better());
    }
    drop(programs);
    bench.remove(&stores).await?;
    Ok(rows)
}

async fn operation(
    program: Arc<dyn Program>,
    latencies: Latencies,
    content: Arc<str>,
    users: Arc<[i64]>,
) -> Result<()> {
    let user = fastrand::i64(1..=USERS);
    let started = Instant::now();
    match fastrand::u8(..100) {
        0 => _ = program.broadcast(&users, &content).await?,
        1..10 => program.add(user, &content).await?,
        _ => _ = program.page(user, 0).await?,
    }
    let took = started.elapsed().as_secs_f64() * 1_000.0;
    latencies
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .entry(program.name())
        .or_default()
        .push(took);
    Ok(())
}
