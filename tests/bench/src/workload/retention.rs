//! The part of W12 with `max_len`: the library beside itself without.

use std::{sync::Arc, time::Duration};

use anyhow::{Result, ensure};

use super::broadcast::{Source, broadcast_repeatedly};
use crate::{
    bench::Bench,
    fill::{self, READER},
    measure,
    program::{self, PAGE, Program},
    report::{Row, thousands},
    store::Store,
};

const MAX_LEN: u64 = 10_000;
const DEPTH: i64 = 9_000;

pub(super) async fn run(bench: &Bench) -> Result<Vec<Row>> {
    let mut rows = vec![broadcast(bench).await?];
    rows.extend(pages(bench).await?);
    Ok(rows)
}

type Cases = [(String, Arc<dyn Program>); 2];

async fn cases(with: &Store, without: &Store) -> Result<Cases> {
    Ok([
        ("ours".to_owned(), program::ours_with_max_len(with, MAX_LEN).await?),
        ("without".to_owned(), program::ours(without).await?),
    ])
}

async fn broadcast(bench: &Bench) -> Result<Row> {
    let size = bench.pick(20_000, 100_000);
    let stores = [bench.create_store("max_len").await?, bench.create_store("any_len").await?];
    let cases = cases(&stores[0], &stores[1]).await?;
    let (users, content): (Arc<[i64]>, Arc<str>) =
        ((1..=size).collect(), fill::content(100).into());
    let least = Duration::from_millis(bench.pick(150, 250));
    bench.status("W12: a broadcast with max_len");
    let series = measure::alternate_cases(&bench.bar, &cases, Bench::ROUNDS, |program| {
        broadcast_repeatedly(
            program,
            Source::Slice,
            Arc::clone(&users),
            Arc::clone(&content),
            least,
        )
    })
    .await?;
    drop(cases);
    bench.remove(&stores).await?;
    let case = format!("{} from a slice, max_len compared with none", thousands(size));
    Ok(Row::of_cases(case, "deliveries/s", series).with_targets(&[Some(1.0 / 1.1)]))
}

/// Of a user with twice as many items.
async fn pages(bench: &Bench) -> Result<Vec<Row>> {
    let (items, width) = (2 * MAX_LEN.cast_signed(), bench.pick(10, 50));
    let duration = Duration::from_millis(bench.pick(400, 500));
    let store = bench.create_store("retained").await?;
    bench.status("W12: filling");
    fill::feed(&store, items, width).await?;
    let cases = cases(&store, &store).await?;
    let (at, id) = fill::cursor(items, DEPTH - 1);
    let mut rows = Vec::new();
    for (depth, most) in [(0, 1.1), (DEPTH, 1.5)] {
        let page = match depth {
            0 => "first page".to_owned(),
            depth => format!("depth {} by cursor", thousands(depth)),
        };
        bench.status(&format!("W12: {page} with max_len"));
        let series = measure::alternate_cases(&bench.bar, &cases, Bench::ROUNDS, |program| {
            measure::rate(1, duration, move || {
                let program = Arc::clone(&program);
                async move {
                    let length = match depth {
                        0 => program.page(READER, 0).await?,
                        _ => program.page_after(READER, at, id).await?,
                    };
                    ensure!(length == PAGE, "{}: a page of {length}", program.name());
                    Ok(())
                }
            })
        });
        let case = format!("{page}, max_len compared with none");
        let row = Row::of_cases(case, "pages/s", series.await?);
        rows.push(row.with_targets(&[Some(1.0 / most)]));
    }
    drop(cases);
    bench.remove(&[store]).await?;
    Ok(rows)
}
