//! W7: how much a process grows while it broadcasts to a long stream of users, measured in a child
//! process.

use anyhow::Result;

use crate::{
    bench::Bench,
    child::{self, Task, resident},
    fill,
    measure::Series,
    program,
    report::{Row, thousands},
    store::Store,
};

pub(crate) async fn run(bench: &Bench) -> Result<Vec<Row>> {
    let users = bench.pick(1_000_000, 10_000_000);
    if !child::can_measure_memory() {
        eprintln!("W7 is skipped: it needs /proc/self/status of Linux");
        return Ok(Vec::new());
    }
    let case = format!("{} streamed ids", thousands(users));
    bench.status(&format!("W7: {case}"));
    let store = bench.create_store("memory").await?;
    let kib: f64 = child::run(&Task::Broadcast { store: store.clone(), users }).await?;
    bench.remove(&[store]).await?;
    let ours = Series { program: "ours".to_owned(), rounds: vec![kib / 1024.0] };
    Ok(vec![Row::new(case, "MiB of growth", vec![ours]).with_lower_is_better()])
}

/// Prints the maximum growth of the process in KiB.
pub(super) async fn child(store: &Store, users: i64) -> Result<()> {
    let program = program::ours(store).await?;
    let content = fill::content(100);
    // Connections, prepared statements and code pages do not count.
    program.broadcast_stream(1..=100, &content).await?;
    let before = resident("VmRSS")?;
    program.broadcast_stream(1..=users, &content).await?;
    println!("{}", resident("VmHWM")?.saturating_sub(before));
    Ok(())
}
