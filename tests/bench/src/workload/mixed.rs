//! W8: a mixed load of 90 % page reads, 9 % adds and 1 % broadcasts to 1,000, from 16 tasks.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use tokio::time::Instant;

use crate::{
    bench::Bench,
    fill,
    measure::{self, Latencies},
    program::{self, Program},
    report::Row,
};

const TASKS: usize = 16;
const USERS: i64 = 1_000;

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
            (latencies.clone(), Arc::clone(&content), Arc::clone(&users));
        measure::rate(TASKS, duration, move || {
            operation(
                Arc::clone(&program),
                latencies.clone(),
                Arc::clone(&content),
                Arc::clone(&users),
            )
        })
    });
    let mut rows = vec![Row::new("mixed, 16 tasks", "operations/s", series.await?)];
    for (case, part) in [("mixed, p50", 0.5), ("mixed, p99", 0.99)] {
        let series = latencies.series(&programs, part);
        rows.push(Row::new(case, "ms", series).with_lower_is_better());
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
    latencies.note(program.name(), started);
    Ok(())
}
