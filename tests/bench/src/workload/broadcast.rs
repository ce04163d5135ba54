//! W2: one item to many, from a slice, a stream and a query.

use std::{sync::Arc, time::Duration};

use anyhow::{Result, ensure};
use tokio::time::Instant;

use super::textbook;
use crate::{
    cell::{Engine, Layout},
    fill, measure,
    report::Row,
    run::Bench,
    side::{self, Side},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    Slice,
    Stream,
    Query,
}

pub(crate) async fn run(bench: &Bench) -> Result<Vec<Row>> {
    let sizes: &[i64] = bench.pick(&[1_000, 10_000, 100_000], &[1_000, 10_000, 100_000, 1_000_000]);
    let mut rows = Vec::new();
    for &size in sizes {
        for from in [From::Slice, From::Stream, From::Query] {
            if from == From::Query && bench.cell.engine == Engine::Redis {
                continue;
            }
            let (label, shown) = (format!("{from:?}").to_lowercase(), thousands(size));
            bench.say(&format!("W2: preparing for {shown} users"));
            let (places, mut sides) = bench.apart("broadcast", false).await?;
            if from == From::Query {
                for place in &places {
                    fill::users(place, size).await?;
                }
            }
            if (bench.cell.engine, bench.cell.layout) == (Engine::Postgres, Layout::SingleTable) {
                sides.push(textbook::connect(&places[0].url).await?);
            }
            bench.say(&format!("W2: {shown} users from a {label}"));
            let (users, content): (Arc<[i64]>, Arc<str>) =
                ((1..=size).collect(), fill::content(100).into());
            let least = Duration::from_millis(bench.pick(150, 250));
            let rounds = if size == 1_000_000 { 3 } else { bench.rounds() };
            let lanes = measure::in_turns(&bench.bar, &sides, rounds, |side| {
                again_and_again(side, from, Arc::clone(&users), Arc::clone(&content), least)
            });
            let lanes = lanes.await?;
            let targets: &[_] = match bench.cell.engine {
                _ if size != 100_000 => &[],
                Engine::Redis => &[Some(0.9), Some(0.6)],
                _ => &[Some(0.95), None, Some(1.2)],
            };
            rows.push(
                Row::new(format!("{shown} from a {label}"), "deliveries/s", lanes)
                    .with_targets(targets),
            );
            drop(sides);
            bench.remove(&places).await?;
        }
    }
    if bench.cell.engine != Engine::Redis {
        rows.push(query_beside_slice(bench).await?);
    }
    Ok(rows)
}

/// Ours from a query beside ours from a slice.
async fn query_beside_slice(bench: &Bench) -> Result<Row> {
    const SIZE: i64 = 100_000;
    let mut places = Vec::new();
    let mut sides = Vec::new();
    for name in ["broadcast_query", "broadcast_slice"] {
        let place = bench.place(name).await?;
        fill::users(&place, SIZE).await?;
        sides.push(side::ours(&place).await?);
        places.push(place);
    }
    bench.say("W2: a query beside a slice");
    let (users, content): (Arc<[i64]>, Arc<str>) =
        ((1..=SIZE).collect(), fill::content(100).into());
    let least = Duration::from_millis(bench.pick(150, 250));
    let slice = Arc::clone(&sides[1]);
    let mut lanes = measure::in_turns(&bench.bar, &sides, bench.rounds(), |side| {
        let from = if Arc::ptr_eq(&side, &slice) { From::Slice } else { From::Query };
        again_and_again(side, from, Arc::clone(&users), Arc::clone(&content), least)
    })
    .await?;
    "from a slice".clone_into(&mut lanes[1].side);
    drop((sides, slice));
    bench.remove(&places).await?;
    Ok(Row::new("100k from a query beside a slice", "deliveries/s", lanes)
        .with_targets(&[Some(1.0)]))
}

/// One broadcast, and as many more as it takes to be long enough to measure.
async fn again_and_again(
    side: Arc<dyn Side>,
    from: From,
    users: Arc<[i64]>,
    content: Arc<str>,
    least: Duration,
) -> Result<f64> {
    let count = users.len() as i64;
    let started = Instant::now();
    let mut delivered = 0;
    while delivered == 0 || started.elapsed() < least {
        let received = match from {
            From::Slice => side.broadcast(&users, &content).await?,
            From::Stream => side.broadcast_stream(1..=count, &content).await?,
            From::Query => side.broadcast_query(count, &content).await?,
        };
        ensure!(
            received == users.len() as u64,
            "{}: {received} of {count} received it",
            side.name()
        );
        delivered += received;
    }
    Ok(delivered as f64 / started.elapsed().as_secs_f64())
}

/// `10k`, `1M`.
pub(crate) fn thousands(number: i64) -> String {
    if number % 1_000_000 == 0 {
        format!("{}M", number / 1_000_000)
    } else {
        format!("{}k", number / 1_000)
    }
}
