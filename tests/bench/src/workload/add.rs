//! W1: one item to one user, sequentially and from 64 tasks.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use tokio::time::Instant;
use user_streams_test_servers::harness::{Cell, Engine, Layout};

use crate::{
    bench::Bench,
    fill::content,
    measure::{self, Latencies},
    report::Row,
};

const USERS: i64 = 1_000;
const TASKS: usize = 64;

pub(crate) async fn run(bench: &Bench) -> Result<Vec<Row>> {
    let mut rows = adds(bench, false).await?;
    if bench.cell.engine == Engine::Sqlite {
        rows.extend(adds(bench, true).await?);
    }
    Ok(rows)
}

async fn adds(bench: &Bench, synchronous_full: bool) -> Result<Vec<Row>> {
    let duration = Duration::from_millis(bench.pick(400, 800));
    let (stores, programs) = bench.on_separate_stores("add", synchronous_full).await?;
    let content: Arc<str> = content(100).into();
    let (mut rows, mut tails) = (Vec::new(), Vec::new());
    let synchronous = if synchronous_full { ", synchronous" } else { "" };
    for (tasks, case) in [(1, "sequentially"), (TASKS, "from 64 tasks")] {
        let case = format!("{case}{synchronous}");
        bench.status(&format!("W1: adds {case}"));
        let latencies = Latencies::default();
        let series = measure::alternate(&bench.bar, &programs, Bench::ROUNDS, |program| {
            let (content, latencies) = (Arc::clone(&content), latencies.clone());
            measure::rate(tasks, duration, move || {
                let (program, content) = (Arc::clone(&program), Arc::clone(&content));
                let latencies = latencies.clone();
                async move {
                    let started = Instant::now();
                    program.add(fastrand::i64(1..=USERS), &content).await?;
                    latencies.note(program.name(), started);
                    Ok(())
                }
            })
        });
        let targets = if tasks == 1 { [None] } else { [together_target(bench.cell)] };
        rows.push(Row::new(&*case, "adds/s", series.await?).with_targets(&targets));
        let p99 = latencies.series(&programs, 0.99);
        tails.push(Row::new(format!("{case}, p99"), "ms", p99).with_lower_is_better());
    }
    let target = (bench.cell.engine == Engine::Sqlite).then_some(10.0);
    let gain = Row::of_rows(format!("64 tasks compared with one{synchronous}"), &rows[1], &rows[0]);
    rows.push(gain.with_targets(&[target]));
    rows.extend(tails);
    drop(programs);
    bench.remove(&stores).await?;
    Ok(rows)
}

/// What adds that come together are to have of the bare driver's, from many tasks.
fn together_target(cell: Cell) -> Option<f64> {
    match (cell.engine, cell.layout) {
        (Engine::Postgres, Layout::SingleTable) => Some(5.0),
        (Engine::Postgres, _) => Some(4.0),
        (Engine::Mysql, _) => Some(3.5),
        (Engine::Redis, _) => Some(1.3),
        _ => None,
    }
}
