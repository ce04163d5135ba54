//! W3: the first page of 20 of a user with 10,000 items among a million rows, with 1 and 32
//! readers.

use std::{sync::Arc, time::Duration};

use anyhow::{Result, ensure};

use crate::{
    bench::Bench,
    fill::{self, READER},
    measure,
    program::{self, PAGE},
    report::Row,
};

/// For the program on the same driver, and for the one on the leanest client.
pub(crate) const PAGE_TARGETS: [Option<f64>; 2] = [Some(0.9), Some(0.6)];

pub(crate) async fn run(bench: &Bench) -> Result<Vec<Row>> {
    let (items, width) = (10_000, bench.pick(20, 100));
    let duration = Duration::from_millis(bench.pick(500, 700));
    let store = bench.create_store("page").await?;
    bench.status("W3: filling");
    fill::feed(&store, items, width).await?;
    let mut programs = Bench::on_one_store(&store).await?;
    programs.extend(program::lean_on_blocking_threads(&store)?);
    programs.extend(program::with_kept_plans(&store).await?);
    let mut rows = Vec::new();
    for (readers, case) in [(1, "first page, 1 reader"), (32, "first page, 32 readers")] {
        bench.status(&format!("W3: {case}"));
        let series = measure::alternate(&bench.bar, &programs, Bench::ROUNDS, |program| {
            measure::rate(readers, duration, move || {
                let program = Arc::clone(&program);
                async move {
                    let length = program.page(READER, 0).await?;
                    ensure!(length == PAGE, "{}: a page of {length}", program.name());
                    Ok(())
                }
            })
        });
        rows.push(Row::new(case, "pages/s", series.await?).with_targets(&PAGE_TARGETS));
    }
    drop(programs);
    bench.remove(&[store]).await?;
    Ok(rows)
}
