//! W8: a mixed load of 90 % page reads, 9 % adds and 1 % broadcasts to 1,000, from 16 tasks.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Result;
use tokio::time::Instant;

use crate::{
    fill, measure,
    measure::Lane,
    report::Row,
    run::Bench,
    side::{self, Side},
};

const TASKS: usize = 16;
const USERS: i64 = 1_000;

/// Milliseconds of every operation, by side.
type Times = Arc<Mutex<BTreeMap<&'static str, Vec<f64>>>>;

pub(crate) async fn run(bench: &Bench) -> Result<Vec<Row>> {
    let rounds = 5;
    let duration = Duration::from_millis(bench.pick(600, 4_000));
    let (mut places, mut sides) = (Vec::new(), Vec::new());
    for name in ["ours", "same"] {
        let place = bench.place(&format!("mixed_{name}")).await?;
        bench.say("W8: filling");
        // A hundred times as many feeds as there are others of each item, of ten items or more.
        fill::feed(&place, 1_000, USERS / 100 + 1).await?;
        sides.push(if name == "ours" {
            side::ours(&place).await?
        } else {
            side::same_driver(&place).await?
        });
        places.push(place);
    }
    bench.say("W8: mixed load");
    let (content, users): (Arc<str>, Arc<[i64]>) =
        (fill::content(100).into(), (1..=USERS).collect());
    let times = Times::default();
    let lanes = measure::in_turns(&bench.bar, &sides, rounds, |side| {
        let (times, content, users) =
            (Arc::clone(&times), Arc::clone(&content), Arc::clone(&users));
        measure::rate(TASKS, duration, move || {
            one(Arc::clone(&side), Arc::clone(&times), Arc::clone(&content), Arc::clone(&users))
        })
    });
    let mut rows = vec![Row::new("mixed, 16 tasks", "operations/s", lanes.await?)];
    let times = std::mem::take(&mut *times.lock().unwrap_or_else(PoisonError::into_inner));
    for (case, part) in [("mixed, p50", 0.5), ("mixed, p99", 0.99)] {
        let lanes = sides.iter().map(|side| {
            let mut all = times.get(side.name()).cloned().unwrap_or_default();
            all.sort_by(f64::total_cmp);
            let at = (part * all.len().saturating_sub(1) as f64) as usize;
            Lane {
                side: side.name().to_owned(),
                rounds: vec![all.get(at).copied().unwrap_or(f64::NAN)],
            }
        });
        rows.push(Row::new(case, "ms", lanes.collect()).with_lower_is_better());
    }
    drop(sides);
    bench.remove(&places).await?;
    Ok(rows)
}

async fn one(
    side: Arc<dyn Side>,
    times: Times,
    content: Arc<str>,
    users: Arc<[i64]>,
) -> Result<()> {
    let user = fastrand::i64(1..=USERS);
    let started = Instant::now();
    match fastrand::u8(..100) {
        0 => _ = side.broadcast(&users, &content).await?,
        1..10 => side.add(user, &content).await?,
        _ => _ = side.page(user, 0).await?,
    }
    let took = started.elapsed().as_secs_f64() * 1_000.0;
    times.lock().unwrap_or_else(PoisonError::into_inner).entry(side.name()).or_default().push(took);
    Ok(())
}
