//! W14: page 3 by its number, of a user with 10,000 items among a million rows: with a page bar for
//! which all are counted, with one for which 1,000 are, and without a bar and any count.

use std::time::Duration;

use anyhow::{Result, ensure};
use user_streams_core::Paginator;

use crate::{
    bench::Bench,
    fill::{self, READER},
    measure::{self, Series},
    program::PAGE,
    report::Row,
};

const NUMBER: usize = 3;

pub(crate) async fn run(bench: &Bench) -> Result<Vec<Row>> {
    let duration = Duration::from_millis(bench.pick(400, 600));
    let store = bench.create_store("numbered").await?;
    bench.status("W14: filling");
    fill::feed(&store, 10_000, bench.pick(20, 100)).await?;
    let streams = store.streams().await?;
    let all = ("all counted".to_owned(), Some(usize::MAX));
    let cases = [("1,000 counted".to_owned(), Some(1_000)), ("none counted".to_owned(), None), all];
    bench.status("W14: pages");
    let series = measure::alternate_cases(&bench.bar, &cases, Bench::ROUNDS, |count| {
        let items = streams.get_stream_items(READER);
        measure::rate(1, duration, move || {
            let items = items.clone();
            async move {
                let paginator = Paginator::new(items, PAGE);
                let paginator = paginator.with_count_up_to(count.unwrap_or_default());
                let page = paginator.page(NUMBER).await?;
                ensure!(page.len() == PAGE, "a page of {}", page.len());
                if count.is_some() {
                    paginator.elided_page_range(NUMBER, 3, 2).await?;
                }
                Ok(())
            }
        })
    })
    .await?;
    streams.close().await?;
    bench.remove(&[store]).await?;
    let [some, none, all]: [Series; 3] =
        series.try_into().map_err(|_| anyhow::anyhow!("3 cases"))?;
    let row = |case: &str, series| {
        Row::of_cases(
            format!("page {NUMBER} by number, {case}"),
            "pages/s",
            vec![series, all.clone()],
        )
    };
    Ok(vec![row("1,000 counted", some), row("none counted", none)])
}
