//! W3: the first page of 20 of a user with 10,000 items among a million rows, with 1 and 32
//! readers.

use std::{sync::Arc, time::Duration};

use anyhow::{Result, ensure};

use crate::{
    fill::{self, READER},
    measure,
    report::Row,
    run::Bench,
    side::{self, PAGE},
};

/// Of a program on the same driver, and on the leanest client.
pub(crate) const PAGE_TARGETS: [Option<f64>; 2] = [Some(0.9), Some(0.6)];

pub(crate) async fn run(bench: &Bench) -> Result<Vec<Row>> {
    let (items, width) = (10_000, bench.pick(20, 100));
    let duration = Duration::from_millis(bench.pick(500, 700));
    let place = bench.place("page").await?;
    bench.say("W3: filling");
    fill::feed(&place, items, width).await?;
    let mut sides = Bench::together(&place).await?;
    sides.extend(side::lean_apart(&place)?);
    let mut rows = Vec::new();
    for (readers, case) in [(1, "first page, 1 reader"), (32, "first page, 32 readers")] {
        bench.say(&format!("W3: {case}"));
        let lanes = measure::in_turns(&bench.bar, &sides, bench.rounds(), |side| {
            measure::rate(readers, duration, move || {
                let side = Arc::clone(&side);
                async move {
                    let length = side.page(READER, 0).await?;
                    ensure!(length == PAGE, "{}: a page of {length}", side.name());
                    Ok(())
                }
            })
        });
        rows.push(Row::new(case, "pages/s", lanes.await?).with_targets(&PAGE_TARGETS));
    }
    drop(sides);
    bench.remove(&[place]).await?;
    Ok(rows)
}
