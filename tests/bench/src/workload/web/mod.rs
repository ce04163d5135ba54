//! W15: a web server of `user-streams-axum` in a process of its own: many open streams of events,
//! and its first page.

mod client;
mod events;
mod pages;
mod server;

use anyhow::Result;
pub(super) use server::child;
use user_streams_test_servers::harness::Layout;

use crate::{bench::Bench, child::can_measure_memory, report::Row};

pub(crate) async fn run(bench: &Bench) -> Result<Vec<Row>> {
    if !can_measure_memory() {
        eprintln!("W15 is skipped: it needs /proc of Linux");
        return Ok(Vec::new());
    }
    if bench.cell.layout == Layout::ManyToMany {
        // What is served does not depend on the layout of the tables.
        return Ok(Vec::new());
    }
    let mut rows = events::run(bench).await?;
    rows.extend(pages::run(bench).await?);
    Ok(rows)
}
