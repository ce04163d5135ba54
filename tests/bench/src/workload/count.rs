//! W5: counting a feed of 10,000 items.

use std::{sync::Arc, time::Duration};

use anyhow::{Result, ensure};

use crate::{
    fill::{self, READER},
    measure,
    report::Row,
    run::Bench,
};

pub(crate) async fn run(bench: &Bench) -> Result<Vec<Row>> {
    let duration = Duration::from_millis(bench.pick(400, 600));
    let place = bench.place("count").await?;
    bench.say("W5: filling");
    fill::feed(&place, 10_000, bench.pick(20, 100)).await?;
    let sides = Bench::together(&place).await?;
    bench.say("W5: counting");
    let lanes = measure::in_turns(&bench.bar, &sides, bench.rounds(), |side| {
        measure::rate(1, duration, move || {
            let side = Arc::clone(&side);
            async move {
                let count = side.count(READER).await?;
                ensure!(count == 10_000, "{}: counted {count}", side.name());
                Ok(())
            }
        })
    });
    let row = Row::new("count of 10k", "counts/s", lanes.await?);
    drop(sides);
    bench.remove(&[place]).await?;
    Ok(vec![row])
}
