//! The results: a table to read, JSON for programs, and pictures.

mod markdown;
mod plot;
mod text;

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::Result;
use serde::Serialize;

use crate::measure::{Lane, Spread};

/// All that was measured in one run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) machine: String,
    pub(crate) quick: bool,
    /// The server of each cell.
    pub(crate) servers: BTreeMap<String, String>,
    pub(crate) rows: Vec<Row>,
}

/// One workload on one cell. The first lane is ours; then the same driver and the leanest, where there are any.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) workload: String,
    pub(crate) cell: String,
    pub(crate) case: String,
    pub(crate) unit: &'static str,
    pub(crate) lower_is_better: bool,
    /// What the ratio to the same driver should be.
    pub(crate) target: Option<f64>,
    pub(crate) lanes: Vec<Lane>,
}

impl Row {
    pub(crate) fn new(case: impl Into<String>, unit: &'static str, lanes: Vec<Lane>) -> Self {
        let (workload, cell) = (String::new(), String::new());
        Self { workload, cell, case: case.into(), unit, lower_is_better: false, target: None, lanes }
    }

    pub(crate) fn with_target(mut self, target: Option<f64>) -> Self {
        self.target = target;
        self
    }

    pub(crate) fn with_lower_is_better(mut self) -> Self {
        self.lower_is_better = true;
        self
    }

    pub(crate) fn ours(&self) -> &Lane {
        &self.lanes[0]
    }

    /// Those beside ours, each with the ratio of ours to it.
    pub(crate) fn others(&self) -> impl Iterator<Item = (&Lane, Spread)> {
        self.lanes[1..].iter().map(|lane| (lane, self.ours().ratio(lane)))
    }

    /// In short, as soon as it is there.
    pub(crate) fn line(&self) -> String {
        let mut line = format!(
            "{} {:22} {:34} {:>10} {}",
            self.workload,
            self.cell,
            self.case,
            figure(self.ours().spread().median),
            self.unit
        );
        for (lane, ratio) in self.others() {
            line += &format!("  {:.2} of {}", ratio.median, lane.side);
        }
        line
    }
}

impl Report {
    pub(crate) fn new(machine: String, quick: bool) -> Self {
        Self { machine, quick, servers: BTreeMap::new(), rows: Vec::new() }
    }

    /// The table for a terminal.
    pub(crate) fn text(&self) -> String {
        text::table(self)
    }

    /// Writes the table, the figures and the plots.
    pub(crate) fn save(&self, directory: &Path) -> Result<()> {
        fs::create_dir_all(directory)?;
        let plots = plot::all(self, directory)?;
        fs::write(directory.join("results.md"), markdown::page(self, &plots))?;
        fs::write(directory.join("results.json"), serde_json::to_string_pretty(self)? + "\n")?;
        Ok(())
    }
}

/// Three digits that count.
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

/// A ratio with its quartiles.
pub(crate) fn ratio(ratio: Spread, single: bool) -> String {
    if single {
        format!("{:.2}", ratio.median)
    } else {
        format!("{:.2} ({:.2}–{:.2})", ratio.median, ratio.low, ratio.high)
    }
}
