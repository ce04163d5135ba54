//! The copy of W11: a million items from SQLite to PostgreSQL, and their verification, in a child
//! process, whose memory is measured.

use anyhow::{Result, ensure};
use chrono::DateTime;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use user_streams_core::NewItem;
use user_streams_test_servers::harness::{Cell, Engine};

use crate::{
    bench::Bench,
    child::{self, Task, resident},
    fill,
    measure::Series,
    report::{Row, thousands},
    store::Store,
};

/// What the child prints.
#[derive(Debug, Serialize, Deserialize)]
struct Done {
    items: u64,
    copy_seconds: f64,
    verify_seconds: f64,
    growth_kib: Option<u64>,
}

/// In the cells of PostgreSQL alone: the storage to copy to is the cell's.
pub(super) async fn run(bench: &Bench) -> Result<Vec<Row>> {
    if bench.cell.engine != Engine::Postgres {
        return Ok(Vec::new());
    }
    let (items, width) = (10_000, bench.pick(10, 100));
    let sqlite = Cell { engine: Engine::Sqlite, ..bench.cell };
    let from = Store::new(&sqlite, &bench.directory, "copied")?;
    let to = bench.create_store("copied").await?;
    bench.status("W11: filling what is copied");
    fill::create(&from).await?;
    fill::feed(&from, items, width).await?;
    bench.status("W11: copying");
    let done: Done = child::run(&Task::Copy { from: from.clone(), to: to.clone() }).await?;
    let expected = items * width;
    ensure!(done.items == expected.cast_unsigned(), "{} of {expected} were copied", done.items);
    bench.remove(&[from, to]).await?;
    let row = |case: &str, unit: &str, figure: f64| {
        let ours = Series { program: "ours".to_owned(), rounds: vec![figure] };
        let case = format!("{} items from SQLite, {case}", thousands(expected));
        Row::new(case, unit, vec![ours])
    };
    let mut rows = vec![
        row("copied", "items/s", done.items as f64 / done.copy_seconds),
        row("verified", "items/s", done.items as f64 / done.verify_seconds),
    ];
    if let Some(kib) = done.growth_kib {
        let growth = row("memory of the copy", "MiB of growth", kib as f64 / 1024.0);
        rows.push(growth.with_lower_is_better());
    }
    Ok(rows)
}

/// Copies, verifies, and prints how long each took and how much the process grew at the most while
/// it copied.
pub(super) async fn child(from: &Store, to: &Store) -> Result<()> {
    let (from, to) = (from.streams().await?, to.streams().await?);
    // Connections, prepared statements and code pages do not count.
    let old = DateTime::from_timestamp_micros(1).unwrap_or_default();
    for number in 0..200 {
        let item = NewItem::new(number.to_string()).with_created_at(&old);
        to.bulk_add((1..=20).map(|user| (user, item.clone()))).await?;
    }
    for user in 1..=20 {
        to.delete_stream(user).await?;
        from.get_stream_items(user).slice(..200).await?;
    }
    let before = resident("VmRSS").ok();
    let started = Instant::now();
    let copied = from.copy_to(&to).await?;
    let copy_seconds = started.elapsed().as_secs_f64();
    let most = resident("VmHWM").ok();
    ensure!(copied.added == copied.items, "{} of {} were new", copied.added, copied.items);
    let started = Instant::now();
    let verified = from.verify_copy(&to).await?;
    ensure!(
        verified.is_same() && verified.items == copied.items,
        "{} users are different, of {} items",
        verified.different,
        verified.items
    );
    let done = Done {
        items: copied.items,
        copy_seconds,
        verify_seconds: started.elapsed().as_secs_f64(),
        growth_kib: most.zip(before).map(|(most, before)| most.saturating_sub(before)),
    };
    println!("{}", serde_json::to_string(&done)?);
    Ok(())
}
