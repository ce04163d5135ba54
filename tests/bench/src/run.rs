//! Runs all cells and workloads sequentially: concurrent ones would measure each other.

use std::{path::Path, time::Duration};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};
use tempfile::TempDir;
use user_streams_test_servers::harness::{Cell, Engine};

use crate::{
    bench::Bench,
    flags::{Flags, Workload},
    machine,
    report::{Report, Row},
    workload,
};

/// Measures the selected cells and workloads, and prints and saves the results.
pub(crate) async fn run(flags: &Flags) -> Result<()> {
    // No hand-written program supports a cluster.
    let cells = flags.cells.cells(|cell| cell.engine != Engine::RedisCluster)?;
    let directory = TempDir::with_prefix("user-streams-bench-")?;
    let mut report = Report::new(machine::describe());
    let mut failures = Vec::new();
    for cell in cells {
        let server = machine::server(&cell, directory.path()).await?;
        report.servers.insert(cell.name.to_owned(), server);
        for workload in Workload::value_variants() {
            if !flags.workloads.is_empty() && !flags.workloads.contains(workload) {
                continue;
            }
            match measure(*workload, cell, flags.quick, directory.path()).await {
                Ok(mut rows) => {
                    for row in &mut rows {
                        row.machine.clone_from(&report.machine);
                        eprintln!("{}", row.line());
                    }
                    report.rows.extend(rows);
                }
                Err(error) => {
                    eprintln!("{error:#}");
                    failures.push(format!("{error:#}"));
                }
            }
            // An interrupted run keeps the results so far.
            if let Some(file) = &flags.json {
                std::fs::write(file, serde_json::to_vec_pretty(&report)?)?;
            }
            if let Some(directory) = &flags.save {
                report.save(directory)?;
            }
        }
    }
    println!("\n{}", report.text());
    if let Some(directory) = &flags.save {
        println!("saved in {}", directory.display());
    }
    if !failures.is_empty() {
        bail!("{} of the workloads failed:\n{}", failures.len(), failures.join("\n"));
    }
    Ok(())
}

/// Measures a workload on a cell.
async fn measure(
    workload: Workload,
    cell: Cell,
    quick: bool,
    directory: &Path,
) -> Result<Vec<Row>> {
    let style = ProgressStyle::with_template("{elapsed_precise} {bar:30} {pos:>3}/{len:3} {msg}")?;
    let bar = ProgressBar::new(1).with_style(style);
    bar.enable_steady_tick(Duration::from_millis(200));
    let bench = Bench { cell, quick, bar, directory: directory.to_owned() };
    bench.status(&format!("{}: preparing", workload.name()));
    let rows = match workload {
        Workload::W1 => workload::add::run(&bench).await,
        Workload::W2 => workload::broadcast::run(&bench).await,
        Workload::W3 => workload::page::run(&bench).await,
        Workload::W4 => workload::depth::run(&bench).await,
        Workload::W5 => workload::count::run(&bench).await,
        Workload::W6 => workload::bytes::run(&bench).await,
        Workload::W7 => workload::memory::run(&bench).await,
        Workload::W8 => workload::mixed::run(&bench).await,
        Workload::W9 => workload::audiences::run(&bench).await,
        Workload::W10 => workload::marks::run(&bench).await,
        Workload::W11 => workload::bulk::run(&bench).await,
        Workload::W12 => workload::removal::run(&bench).await,
        Workload::W13 => workload::live::run(&bench).await,
        Workload::W14 => workload::numbered::run(&bench).await,
        Workload::W15 => workload::web::run(&bench).await,
    };
    bench.bar.finish_and_clear();
    let mut rows = rows.with_context(|| format!("{} {}", workload.name(), cell.name))?;
    for row in &mut rows {
        workload.name().clone_into(&mut row.workload);
        cell.name.clone_into(&mut row.cell);
        row.quick = quick;
    }
    Ok(rows)
}
