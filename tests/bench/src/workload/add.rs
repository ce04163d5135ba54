//! W1: one item to one user, one after the other and from 64 tasks.

use std::{sync::Arc, time::Duration};

use anyhow::Result;

use crate::{cell::Engine, fill::content, measure, report::Row, run::Bench};

const USERS: i64 = 1_000;
const TASKS: usize = 64;

pub(crate) async fn run(bench: &Bench) -> Result<Vec<Row>> {
    let mut rows = adds(bench, false).await?;
    if bench.cell.engine == Engine::Sqlite {
        rows.extend(adds(bench, true).await?);
    }
    Ok(rows)
}

async fn adds(bench: &Bench, full: bool) -> Result<Vec<Row>> {
    let duration = Duration::from_millis(bench.pick(400, 800));
    let (places, sides) = bench.apart("add", full).await?;
    let content: Arc<str> = content(100).into();
    let mut rows = Vec::new();
    let synchronous = if full { ", synchronous" } else { "" };
    for (tasks, case) in [(1, "one after the other"), (TASKS, "from 64 tasks")] {
        let case = format!("{case}{synchronous}");
        bench.say(&format!("W1: adds {case}"));
        let lanes = measure::in_turns(&bench.bar, &sides, bench.rounds(), |side| {
            let content = Arc::clone(&content);
            measure::rate(tasks, duration, move || {
                let (side, content) = (Arc::clone(&side), Arc::clone(&content));
                async move { side.add(fastrand::i64(1..=USERS), &content).await }
            })
        });
        rows.push(Row::new(case, "adds/s", lanes.await?));
    }
    let target = (bench.cell.engine == Engine::Sqlite).then_some(10.0);
    let gain = Row::of_ours(format!("64 tasks beside one{synchronous}"), &rows[1], &rows[0]);
    rows.push(gain.with_targets(&[target]));
    drop(sides);
    bench.remove(&places).await?;
    Ok(rows)
}
