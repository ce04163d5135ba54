//! All cells and workloads, one after the other: two at once would measure each other.

use std::{path::PathBuf, sync::Arc};

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use tempfile::TempDir;

use crate::{
    cell::{self, Cell, Engine, Place},
    fill,
    flags::{Flags, Workload},
    machine,
    report::{Report, Row},
    side::{self, Side},
    workload,
};

/// What a workload is given.
pub(crate) struct Bench {
    pub(crate) cell: Cell,
    pub(crate) quick: bool,
    pub(crate) bar: ProgressBar,
    pub(crate) directory: PathBuf,
}

impl Bench {
    /// The quick figure or the full one.
    pub(crate) fn pick<T>(&self, quick: T, full: T) -> T {
        if self.quick { quick } else { full }
    }

    pub(crate) fn rounds(&self) -> usize {
        5
    }

    /// An empty place of this name.
    pub(crate) async fn place(&self, name: &str) -> Result<Place> {
        let place = self.cell.place(&self.directory, name)?;
        fill::create(&place).await?;
        Ok(place)
    }

    /// Ours and the two baselines, each on an empty place of its own.
    pub(crate) async fn apart(
        &self,
        name: &str,
        full: bool,
    ) -> Result<(Vec<Place>, Vec<Arc<dyn Side>>)> {
        let mut places = Vec::new();
        for side in ["ours", "same", "lean"] {
            places.push(Place { full, ..self.place(&format!("{name}_{side}")).await? });
        }
        let sides = vec![
            side::ours(&places[0]).await?,
            side::same_driver(&places[1]).await?,
            side::lean(&places[2]).await?,
        ];
        Ok((places, sides))
    }

    /// Ours and the two baselines, all on this place.
    pub(crate) async fn together(place: &Place) -> Result<Vec<Arc<dyn Side>>> {
        Ok(vec![
            side::ours(place).await?,
            side::same_driver(place).await?,
            side::lean(place).await?,
        ])
    }

    pub(crate) fn say(&self, what: &str) {
        self.bar.set_message(format!("{} {what}", self.cell.name));
    }

    /// Removes the places.
    pub(crate) async fn remove(&self, places: &[Place]) -> Result<()> {
        self.say("cleaning up");
        for place in places {
            match place.engine {
                Engine::Sqlite => {
                    for suffix in ["", "-wal", "-shm"] {
                        _ = std::fs::remove_file(format!("{}{suffix}", place.file()));
                    }
                }
                _ => fill::drop(place).await?,
            }
        }
        Ok(())
    }
}

/// Measures what the flags ask for, and shows and saves it.
pub(crate) async fn run(flags: &Flags) -> Result<()> {
    let cells = cell::named(&flags.cells)?;
    let directory = TempDir::with_prefix("user-streams-bench-")?;
    let mut report = Report::new(machine::describe());
    let mut failures = Vec::new();
    for cell in cells {
        report
            .servers
            .insert(cell.name.to_owned(), machine::server(&cell, directory.path()).await?);
        for workload in <Workload as clap::ValueEnum>::value_variants() {
            if !flags.workloads.is_empty() && !flags.workloads.contains(workload) {
                continue;
            }
            let style =
                ProgressStyle::with_template("{elapsed_precise} {bar:30} {pos:>3}/{len:3} {msg}")?;
            let bar = ProgressBar::new(1).with_style(style);
            bar.enable_steady_tick(std::time::Duration::from_millis(200));
            let bench =
                Bench { cell, quick: flags.quick, bar, directory: directory.path().to_owned() };
            let measured = measure(*workload, &bench).await;
            bench.bar.finish_and_clear();
            match measured.with_context(|| format!("{} {}", workload.name(), cell.name)) {
                Ok(rows) => {
                    for mut row in rows {
                        workload.name().clone_into(&mut row.workload);
                        cell.name.clone_into(&mut row.cell);
                        row.quick = flags.quick;
                        eprintln!("{}", row.line());
                        report.rows.push(row);
                    }
                }
                Err(error) => {
                    eprintln!("{error:#}");
                    failures.push(format!("{error:#}"));
                }
            }
            // What is done so far is not lost if the rest is broken off.
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

async fn measure(workload: Workload, bench: &Bench) -> Result<Vec<Row>> {
    bench.say(&format!("{}: preparing", workload.name()));
    match workload {
        Workload::W1 => workload::add::run(bench).await,
        Workload::W2 => workload::broadcast::run(bench).await,
        Workload::W3 => workload::page::run(bench).await,
        Workload::W4 => workload::depth::run(bench).await,
        Workload::W5 => workload::count::run(bench).await,
        Workload::W6 => workload::bytes::run(bench).await,
        Workload::W7 => workload::memory::run(bench).await,
        Workload::W8 => workload::mixed::run(bench).await,
    }
}
