//! W4: a page at depth 9,000 by cursor and by offset; the same at depth 900,000 of one huge feed.

use std::{sync::Arc, time::Duration};

use anyhow::{Result, ensure};

use super::page::PAGE_TARGETS;
use crate::{
    bench::Bench,
    fill::{self, READER},
    measure,
    program::{self, PAGE},
    report::{Row, thousands},
};

pub(crate) async fn run(bench: &Bench) -> Result<Vec<Row>> {
    let mut rows = feed(bench, 10_000, bench.pick(20, 100), 9_000).await?;
    if !bench.quick {
        rows.extend(feed(bench, 1_000_000, 1, 900_000).await?);
    }
    Ok(rows)
}

async fn feed(bench: &Bench, items: i64, width: i64, depth: i64) -> Result<Vec<Row>> {
    let duration = Duration::from_millis(bench.pick(400, 500));
    let store = bench.create_store("depth").await?;
    bench.status(&format!("W4: filling {} items", thousands(items)));
    fill::feed(&store, items, width).await?;
    let mut programs = Bench::on_one_store(&store).await?;
    let plain = programs.len();
    programs.extend(program::with_kept_plans(&store).await?);
    let shown = thousands(depth);
    let (at, id) = fill::cursor(items, depth - 1);
    let mut rows = Vec::new();
    // Compared with the first page, they show the cost of the depth.
    for case in [
        "first page".to_owned(),
        format!("depth {shown} by cursor"),
        format!("depth {shown} by offset"),
    ] {
        bench.status(&format!("W4: {case}"));
        let by_cursor = case.ends_with("cursor");
        let by_offset = case.ends_with("offset");
        let offset = if by_offset { depth.cast_unsigned() } else { 0 };
        // The form whose plan is kept is for pages from the top and after a cursor.
        let programs = if by_offset { &programs[..plain] } else { &programs };
        let series = measure::alternate(&bench.bar, programs, Bench::ROUNDS, |program| {
            measure::rate(1, duration, move || {
                let program = Arc::clone(&program);
                async move {
                    let length = match by_cursor {
                        true => program.page_after(READER, at, id).await?,
                        false => program.page(READER, offset).await?,
                    };
                    ensure!(length == PAGE, "{}: a page of {length}", program.name());
                    Ok(())
                }
            })
        });
        let case = if items > 10_000 { format!("{case}, of a feed of 1M") } else { case };
        let targets: &[_] = if by_cursor { &PAGE_TARGETS } else { &[] };
        rows.push(Row::new(case, "pages/s", series.await?).with_targets(targets));
    }
    // 1 would be as many pages per second as at the top.
    let least = if items > 10_000 { 1.0 / 1.5 } else { 1.0 / 1.2 };
    let depth =
        Row::of_rows(format!("{} compared with the first page", rows[1].case), &rows[1], &rows[0]);
    rows.push(depth.with_targets(&[Some(least)]));
    drop(programs);
    bench.remove(&[store]).await?;
    Ok(rows)
}
