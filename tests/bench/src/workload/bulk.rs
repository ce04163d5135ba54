//! W11: many items to many users, and a copy to another storage.

use std::sync::Arc;

use anyhow::{Result, ensure};
use tokio::time::Instant;

use super::copy;
use crate::{
    bench::Bench,
    fill, measure,
    program::{BulkRow, Program, timestamp_and_id},
    report::{Row, thousands},
};

/// How many items each user gets, one user after the other, as from another system.
const ITEMS: i64 = 100;
/// How many users get the same items.
const SHARED_BY: i64 = 10;

pub(crate) async fn run(bench: &Bench) -> Result<Vec<Row>> {
    let mut rows = vec![bulk_add(bench).await?];
    rows.extend(copy::run(bench).await?);
    Ok(rows)
}

async fn bulk_add(bench: &Bench) -> Result<Row> {
    let size = bench.pick(20_000, 100_000);
    let (stores, programs) = bench.on_separate_stores("bulk", false).await?;
    bench.status("W11: many items");
    let series = measure::alternate(&bench.bar, &programs, Bench::ROUNDS, |program| {
        add_once(program, new_rows(size))
    })
    .await?;
    drop(programs);
    bench.remove(&stores).await?;
    let case = format!("{} items to {} users", thousands(size), size / ITEMS);
    Ok(Row::new(case, "deliveries/s", series).with_targets(&[Some(0.7); 2]))
}

/// Deliveries of items that are nowhere yet.
fn new_rows(size: i64) -> Vec<BulkRow> {
    let items: Vec<_> = (0..size / SHARED_BY).map(|_| timestamp_and_id()).collect();
    let content = fill::content(100);
    let row = |number: i64| {
        let (user, item) = (number / ITEMS, number % ITEMS);
        let item = user / SHARED_BY * ITEMS + item;
        let (created_at_us, id) = items[item as usize];
        BulkRow { user: user + 1, created_at_us, id, content: content.clone() }
    };
    (0..size).map(row).collect()
}

async fn add_once(program: Arc<dyn Program>, rows: Vec<BulkRow>) -> Result<f64> {
    let count = rows.len() as u64;
    let started = Instant::now();
    let added = program.bulk_add(rows).await?;
    let took = started.elapsed().as_secs_f64();
    ensure!(added == count, "{}: {added} of {count} rows were new", program.name());
    Ok(count as f64 / took)
}
