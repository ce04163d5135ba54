//! W12: one item is taken from the streams of many users; and what `max_len` costs.

use std::sync::Arc;

use anyhow::{Result, ensure};
use tokio::time::Instant;
use user_streams_core::{NewItem, Streams};

use super::retention;
use crate::{
    bench::Bench,
    fill, measure,
    program::Program,
    report::{Row, thousands},
    store::Store,
};

pub(crate) async fn run(bench: &Bench) -> Result<Vec<Row>> {
    let mut rows = vec![removal(bench).await?];
    rows.extend(retention::run(bench).await?);
    Ok(rows)
}

async fn removal(bench: &Bench) -> Result<Row> {
    let size = bench.pick(20_000, 100_000);
    let store = bench.create_store("removal").await?;
    let users: Arc<[i64]> = (1..=size).collect();
    let streams = store.streams().await?;
    bench.status("W12: filling");
    for _ in 0..bench.pick(2, 10) {
        streams.add_stream_item(&*users, fill::content(100)).await?;
    }
    let programs = Bench::on_one_store(&store).await?;
    bench.status("W12: removing");
    let series = measure::alternate(&bench.bar, &programs, Bench::ROUNDS, |program| {
        remove_once(program, &store, &streams, Arc::clone(&users))
    })
    .await?;
    drop(programs);
    streams.close().await?;
    bench.remove(&[store]).await?;
    let case = format!("one item from {}", thousands(size));
    Ok(Row::new(case, "removals/s", series).with_targets(&[Some(0.8)]))
}

/// Removes an item that was just added to all of them.
async fn remove_once(
    program: Arc<dyn Program>,
    store: &Store,
    streams: &Streams,
    users: Arc<[i64]>,
) -> Result<f64> {
    let item = NewItem::new(fill::content(100));
    let place = (item.created_at_us(), item.id().get());
    streams.add_stream_item(&*users, item).await?;
    // Else the server may do it now or while another program removes.
    fill::run_maintenance(store).await?;
    let started = Instant::now();
    let removed = program.remove(&users, place).await?;
    let took = started.elapsed().as_secs_f64();
    ensure!(
        removed == users.len() as u64,
        "{}: removed from {removed} of {} users",
        program.name(),
        users.len()
    );
    Ok(users.len() as f64 / took)
}
