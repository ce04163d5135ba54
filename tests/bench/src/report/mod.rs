//! The results: a table, JSON and plots.

mod markdown;
mod plot;
mod row;
mod text;

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::Result;
use serde::{Deserialize, Serialize};
use user_streams_test_servers::cells::CELLS;

pub(crate) use self::row::Row;

/// The workloads that compare speeds.
const PLOTTED: &[&str] = &["W1", "W2", "W3", "W4", "W5", "W8"];

/// All results of a run.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) machine: String,
    /// The server of each cell.
    pub(crate) servers: BTreeMap<String, String>,
    pub(crate) rows: Vec<Row>,
}

impl Report {
    pub(crate) fn new(machine: String) -> Self {
        Self { machine, servers: BTreeMap::new(), rows: Vec::new() }
    }

    /// The table for a terminal.
    pub(crate) fn text(&self) -> String {
        text::table(self)
    }

    /// Writes the page, the figures and the plots. Earlier results of this machine are kept, except
    /// those of workloads that were measured again.
    pub(crate) fn save(&self, directory: &Path) -> Result<()> {
        fs::create_dir_all(directory)?;
        let file = directory.join("results.json");
        let earlier =
            fs::read(&file).ok().and_then(|json| serde_json::from_slice::<Self>(&json).ok());
        let mut all = earlier
            .filter(|earlier| earlier.machine == self.machine)
            .unwrap_or_else(|| Self::new(self.machine.clone()));
        all.rows.retain(|earlier| {
            self.rows
                .iter()
                .all(|row| (&row.workload, &row.cell) != (&earlier.workload, &earlier.cell))
        });
        all.rows.extend(self.rows.iter().cloned());
        all.rows.sort_by_key(|row| {
            (row.workload.clone(), CELLS.iter().position(|cell| cell.name == row.cell))
        });
        all.servers.extend(self.servers.clone());
        let plots = plot::draw_all(&all, directory)?;
        fs::write(directory.join("results.md"), markdown::page(&all, &plots))?;
        fs::write(file, serde_json::to_string(&all)? + "\n")?;
        Ok(())
    }

    /// The file of each plot, with its rows.
    fn plotted(&self) -> Vec<(String, Vec<&Row>)> {
        let mut plots = Vec::new();
        for workload in PLOTTED {
            let rows = self.rows.iter().filter(|row| row.workload == *workload);
            let rows: Vec<_> = rows.filter(|row| row.compares_programs()).collect();
            if !rows.is_empty() {
                plots.push((format!("{}.svg", workload.to_lowercase()), rows));
            }
        }
        plots
    }
}

/// Three significant digits.
pub(crate) fn figure(value: f64) -> String {
    let digits = match value.abs() {
        1_000.0.. => {
            let whole = format!("{value:.0}");
            let mut shown = String::new();
            for (at, digit) in whole.chars().enumerate() {
                if at > 0 && (whole.len() - at) % 3 == 0 && !shown.ends_with('-') {
                    shown.push(',');
                }
                shown.push(digit);
            }
            return shown;
        }
        100.0.. => 0,
        10.0.. => 1,
        _ => 2,
    };
    format!("{value:.digits$}")
}

/// `10k`, `1M`.
pub(crate) fn thousands(number: i64) -> String {
    if number % 1_000_000 == 0 {
        format!("{}M", number / 1_000_000)
    } else {
        format!("{}k", number / 1_000)
    }
}
