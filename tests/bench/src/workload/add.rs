//! W1: one item to one user, sequentially and from 64 tasks.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use user_streams_test_servers::harness::Engine;

use crate::{bench::Bench, fill::content, measure, report::Row};

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
    let mut rows = Vec::new();
    let synchronous = if synchronous_full { ", synchronous" } else { "" };
    for (tasks, case) in [(1, "sequentially"), (TASKS, "from 64 tasks")] {
        let case = format!("{case}{synchronous}");
        bench.status(&format!("W1: adds {case}"));
        let series = measure::alternate(&bench.bar, &programs, Bench::ROUNDS, |program| {
            let content = Arc::clone(&content);
            measure::rate(tasks, duration, move || {
                let (program, content) = (Arc::clone(&program), Arc::clone(&content));
                async move { program.add(fastrand::i64(1..=USERS), &content).await }
            })
        });
        rows.push(Row::new(case, "adds/s", series.await?));
    }
    let target = (bench.cell.engine == Engine::Sqlite).then_some(10.0);
    let gain = Row::of_rows(format!("64 tasks compared with one{synchronous}"), &rows[1], &rows[0]);
    rows.push(gain.with_targets(&[target]));
    drop(programs);
    bench.remove(&stores).await?;
    Ok(rows)
}
