//! W1: one item to one user, one after the other and from 64 tasks.

use std::{sync::Arc, time::Duration};

use anyhow::Result;

use crate::{fill::content, measure, report::Row, run::Bench};

const USERS: i64 = 1_000;

pub(crate) async fn run(bench: &Bench) -> Result<Vec<Row>> {
    let duration = Duration::from_millis(bench.pick(400, 1_500));
    let (places, sides) = bench.apart("add").await?;
    let content: Arc<str> = content(100).into();
    let mut rows = Vec::new();
    for (tasks, case) in [(1, "one after the other"), (64, "from 64 tasks")] {
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
    drop(sides);
    bench.remove(&places).await?;
    Ok(rows)
}
