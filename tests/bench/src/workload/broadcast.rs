//! W2: one item to many, from a slice, a stream and a query.

use std::{sync::Arc, time::Duration};

use anyhow::{Result, ensure};
use tokio::time::Instant;
use user_streams_test_servers::harness::{Engine, Layout};

use crate::{
    bench::Bench,
    fill, measure,
    program::{self, Program},
    report::{Row, thousands},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Slice,
    Stream,
    Query,
}

pub(crate) async fn run(bench: &Bench) -> Result<Vec<Row>> {
    let sizes: &[i64] = bench.pick(&[1_000, 10_000, 100_000], &[1_000, 10_000, 100_000, 1_000_000]);
    let mut rows = Vec::new();
    for &size in sizes {
        for source in [Source::Slice, Source::Stream, Source::Query] {
            if source == Source::Query && bench.cell.engine == Engine::Redis {
                continue;
            }
            let (label, shown) = (format!("{source:?}").to_lowercase(), thousands(size));
            bench.status(&format!("W2: preparing for {shown} users"));
            let (stores, mut programs) = bench.on_separate_stores("broadcast", false).await?;
            if source == Source::Query {
                for store in &stores {
                    fill::users(store, size).await?;
                }
            }
            if (bench.cell.engine, bench.cell.layout) == (Engine::Postgres, Layout::SingleTable) {
                programs.push(program::textbook(&stores[0].url).await?);
            }
            bench.status(&format!("W2: {shown} users from a {label}"));
            let (users, content): (Arc<[i64]>, Arc<str>) =
                ((1..=size).collect(), fill::content(100).into());
            let min_duration = Duration::from_millis(bench.pick(150, 250));
            let rounds = if size == 1_000_000 { 3 } else { Bench::ROUNDS };
            let series = measure::alternate(&bench.bar, &programs, rounds, |program| {
                broadcast_repeatedly(
                    program,
                    source,
                    Arc::clone(&users),
                    Arc::clone(&content),
                    min_duration,
                )
            });
            let series = series.await?;
            let targets: &[_] = match bench.cell.engine {
                _ if size != 100_000 => &[],
                Engine::Redis => &[Some(0.9), Some(0.6)],
                _ => &[Some(0.95), None, Some(1.2)],
            };
            rows.push(
                Row::new(format!("{shown} from a {label}"), "deliveries/s", series)
                    .with_targets(targets),
            );
            drop(programs);
            bench.remove(&stores).await?;
        }
    }
    if bench.cell.engine != Engine::Redis {
        rows.push(query_and_slice(bench).await?);
    }
    Ok(rows)
}

/// The library from a query, compared with itself from a slice.
async fn query_and_slice(bench: &Bench) -> Result<Row> {
    const SIZE: i64 = 100_000;
    let mut stores = Vec::new();
    let mut programs = Vec::new();
    for name in ["broadcast_query", "broadcast_slice"] {
        let store = bench.create_store(name).await?;
        fill::users(&store, SIZE).await?;
        programs.push(program::ours(&store).await?);
        stores.push(store);
    }
    bench.status("W2: a query and a slice");
    let (users, content): (Arc<[i64]>, Arc<str>) =
        ((1..=SIZE).collect(), fill::content(100).into());
    let min_duration = Duration::from_millis(bench.pick(150, 250));
    let slice = Arc::clone(&programs[1]);
    let mut series = measure::alternate(&bench.bar, &programs, Bench::ROUNDS, |program| {
        let source = if Arc::ptr_eq(&program, &slice) { Source::Slice } else { Source::Query };
        broadcast_repeatedly(
            program,
            source,
            Arc::clone(&users),
            Arc::clone(&content),
            min_duration,
        )
    })
    .await?;
    "from a slice".clone_into(&mut series[1].program);
    drop((programs, slice));
    bench.remove(&stores).await?;
    Ok(Row::of_cases("100k from a query compared with a slice", "deliveries/s", series)
        .with_targets(&[Some(1.0)]))
}

/// Broadcasts until enough time has passed to measure; returns the deliveries per second.
pub(super) async fn broadcast_repeatedly(
    program: Arc<dyn Program>,
    source: Source,
    users: Arc<[i64]>,
    content: Arc<str>,
    min_duration: Duration,
) -> Result<f64> {
    let count = users.len() as i64;
    let started = Instant::now();
    let mut delivered = 0;
    while delivered == 0 || started.elapsed() < min_duration {
        let received = match source {
            Source::Slice => program.broadcast(&users, &content).await?,
            Source::Stream => program.broadcast_stream(1..=count, &content).await?,
            Source::Query => program.broadcast_query(count, &content).await?,
        };
        ensure!(
            received == users.len() as u64,
            "{}: {received} of {count} users received the item",
            program.name()
        );
        delivered += received;
    }
    Ok(delivered as f64 / started.elapsed().as_secs_f64())
}
