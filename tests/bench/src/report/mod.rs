//! The results: a table to read, JSON for programs, and pictures.

mod markdown;
mod plot;
mod text;

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::{
    cell::CELLS,
    measure::{Lane, Spread},
};

/// All that was measured in one run.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) machine: String,
    /// The server of each cell.
    pub(crate) servers: BTreeMap<String, String>,
    pub(crate) rows: Vec<Row>,
}

/// One workload on one cell. The first lane is ours; then the same driver and the leanest, where
/// there are any.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) workload: String,
    pub(crate) cell: String,
    pub(crate) case: String,
    pub(crate) unit: String,
    /// With less data and shorter rounds.
    pub(crate) quick: bool,
    pub(crate) lower_is_better: bool,
    /// What the ratio to each of the others should be at least.
    pub(crate) targets: Vec<Option<f64>>,
    pub(crate) lanes: Vec<Lane>,
}

/// Ours in units of another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ratio {
    pub(crate) spread: Spread,
    /// What it should be at least.
    pub(crate) target: Option<f64>,
}

impl Ratio {
    /// The median with its quartiles if there are several rounds, and the target if it is missed.
    pub(crate) fn shown(&self) -> String {
        let Spread { median, low, high } = self.spread;
        let spread = if low < high { format!(" ({low:.2}–{high:.2})") } else { String::new() };
        let missed = self.target.filter(|target| median < *target);
        let missed = missed.map_or_else(String::new, |target| format!(", not {target:.2}"));
        format!("{median:.2}{spread}{missed}")
    }
}

impl Row {
    pub(crate) fn new(case: impl Into<String>, unit: &str, lanes: Vec<Lane>) -> Self {
        let (workload, cell) = (String::new(), String::new());
        Self {
            workload,
            cell,
            case: case.into(),
            unit: unit.to_owned(),
            quick: false,
            lower_is_better: false,
            targets: Vec::new(),
            lanes,
        }
    }

    /// Ours in one row beside ours in another.
    pub(crate) fn of_ours(case: impl Into<String>, row: &Self, other: &Self) -> Self {
        let other = Lane { side: other.case.clone(), ..other.ours().clone() };
        Self::new(case, &row.unit, vec![row.ours().clone(), other])
    }

    pub(crate) fn with_targets(mut self, targets: &[Option<f64>]) -> Self {
        self.targets = targets.to_vec();
        self
    }

    pub(crate) fn with_lower_is_better(mut self) -> Self {
        self.lower_is_better = true;
        self
    }

    pub(crate) fn ours(&self) -> &Lane {
        &self.lanes[0]
    }

    /// Whether it tells how fast ours is beside hand-written programs.
    pub(crate) fn is_beside_others(&self) -> bool {
        self.lanes.len() > 1 && !self.lower_is_better && !self.case.contains(" beside ")
    }

    /// Those beside ours, each with the ratio of ours to it.
    pub(crate) fn others(&self) -> impl Iterator<Item = (&Lane, Ratio)> {
        let targets = self.targets.iter().copied().chain(std::iter::repeat(None));
        let ratio = |lane, target| Ratio { spread: self.ours().ratio(lane), target };
        self.lanes[1..].iter().zip(targets).map(move |(lane, target)| (lane, ratio(lane, target)))
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
            line += &format!("  {:.2} of {}", ratio.spread.median, lane.side);
        }
        line
    }
}

impl Report {
    pub(crate) fn new(machine: String) -> Self {
        Self { machine, servers: BTreeMap::new(), rows: Vec::new() }
    }

    /// The table for a terminal.
    pub(crate) fn text(&self) -> String {
        text::table(self)
    }

    /// Writes the table, the figures and the plots. What was saved there on this machine stays, but
    /// for the workloads that were measured again.
    pub(crate) fn save(&self, directory: &Path) -> Result<()> {
        fs::create_dir_all(directory)?;
        let file = directory.join("results.json");
        let former =
            fs::read(&file).ok().and_then(|json| serde_json::from_slice::<Self>(&json).ok());
        let mut all = former
            .filter(|former| former.machine == self.machine)
            .unwrap_or_else(|| Self::new(self.machine.clone()));
        all.rows.retain(|former| {
            self.rows
                .iter()
                .all(|row| (&row.workload, &row.cell) != (&former.workload, &former.cell))
        });
        all.rows.extend(self.rows.iter().cloned());
        all.rows.sort_by_key(|row| {
            (row.workload.clone(), CELLS.iter().position(|cell| cell.name == row.cell))
        });
        all.servers.extend(self.servers.clone());
        let plots = plot::all(&all, directory)?;
        fs::write(directory.join("results.md"), markdown::page(&all, &plots))?;
        fs::write(file, serde_json::to_string(&all)? + "\n")?;
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
