//! W5: counting a feed of 10,000 items.

use std::{sync::Arc, time::Duration};

use anyhow::{Result, ensure};

use crate::{
    bench::Bench,
    fill::{self, READER},
    measure,
    report::Row,
};

pub(crate) async fn run(bench: &Bench) -> Result<Vec<Row>> {
    let duration = Duration::from_millis(bench.pick(400, 600));
    let store = bench.create_store("count").await?;
    bench.status("W5: filling");
    fill::feed(&store, 10_000, bench.pick(20, 100)).await?;
    let programs = Bench::on_one_store(&store).await?;
    bench.status("W5: counting");
    let series = measure::alternate(&bench.bar, &programs, Bench::ROUNDS, |program| {
        measure::rate(1, duration, move || {
            let program = Arc::clone(&program);
            async move {
                let count = program.count(READER).await?;
                ensure!(count == 10_000, "{}: counted {count}", program.name());
                Ok(())
            }
        })
    });
    let row = Row::new("count of 10k", "counts/s", series.await?);
    drop(programs);
    bench.remove(&[store]).await?;
    Ok(vec![row])
}
