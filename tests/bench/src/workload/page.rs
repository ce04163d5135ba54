//! W3: the first page of 20 of a user with 10,000 items among a million rows, with 1 and 32
//! readers; on SQLite, how late another task is beside them.

use std::{sync::Arc, time::Duration};

use anyhow::{Result, ensure};
use user_streams_test_servers::harness::Engine;

use crate::{
    bench::Bench,
    fill::{self, READER},
    measure,
    program::{self, PAGE, Program},
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
    let read = |program: Arc<dyn Program>, readers| {
        measure::rate(readers, duration, move || {
            let program = Arc::clone(&program);
            async move {
                let length = program.page(READER, 0).await?;
                ensure!(length == PAGE, "{}: a page of {length}", program.name());
                Ok(())
            }
        })
    };
    for (readers, case) in [(1, "first page, 1 reader"), (32, "first page, 32 readers")] {
        bench.status(&format!("W3: {case}"));
        let series = measure::alternate(&bench.bar, &programs, Bench::ROUNDS, |program| {
            read(program, readers)
        });
        let targets: &[_] = match (bench.cell.engine, readers) {
            // The last is the leanest client on blocking threads.
            (Engine::Sqlite, 1) => &[Some(0.9), None, Some(1.2)],
            (Engine::Sqlite, _) => &[Some(0.9), Some(0.5), Some(1.6)],
            _ => &PAGE_TARGETS,
        };
        rows.push(Row::new(case, "pages/s", series.await?).with_targets(targets));
    }
    if bench.cell.engine == Engine::Sqlite {
        bench.status("W3: another task");
        let series = measure::alternate(&bench.bar, &programs, Bench::ROUNDS, |program| {
            let read = read(program, 32);
            async move { Ok(tokio::try_join!(read, measure::lateness(duration))?.1) }
        });
        let case = "a task every 1 ms beside 32 readers, p99 of how late";
        rows.push(Row::new(case, "ms", series.await?).with_lower_is_better());
    }
    drop(programs);
    bench.remove(&[store]).await?;
    Ok(rows)
}
