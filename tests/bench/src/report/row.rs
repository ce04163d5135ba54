//! A row of the table: a case of a workload on a cell.

use serde::{Deserialize, Serialize};

use super::figure;
use crate::measure::{Series, Spread};

/// A case of a workload on a cell. The first series is the library's; the baselines follow.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) workload: String,
    pub(crate) cell: String,
    /// Where it was measured.
    #[serde(default)]
    pub(crate) machine: String,
    pub(crate) case: String,
    pub(crate) unit: String,
    /// Measured with less data in shorter rounds.
    pub(crate) quick: bool,
    lower_is_better: bool,
    baseline: Baseline,
    /// The least ratio to each of the baselines.
    targets: Vec<Option<f64>>,
    series: Vec<Series>,
}

/// What the library is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Baseline {
    /// Hand-written programs.
    Programs,
    /// The library in another case.
    OtherCase,
}

/// The library's figure divided by a baseline's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ratio {
    pub(super) spread: Spread,
    /// The least that it should be.
    pub(super) target: Option<f64>,
}

impl Ratio {
    /// The median, with its quartiles if there are several rounds, and the target if it is missed.
    pub(super) fn shown(&self) -> String {
        let Spread { median, low, high } = self.spread;
        let spread = if low < high { format!(" ({low:.2}–{high:.2})") } else { String::new() };
        let missed = self.target.filter(|target| median < *target);
        let missed = missed.map_or_else(String::new, |target| format!(", not {target:.2}"));
        format!("{median:.2}{spread}{missed}")
    }
}

impl Row {
    /// The library compared with hand-written programs, if there are several series.
    pub(crate) fn new(case: impl Into<String>, unit: &str, series: Vec<Series>) -> Self {
        let (workload, cell) = (String::new(), String::new());
        Self {
            workload,
            cell,
            machine: String::new(),
            case: case.into(),
            unit: unit.to_owned(),
            quick: false,
            lower_is_better: false,
            baseline: Baseline::Programs,
            targets: Vec::new(),
            series,
        }
    }

    /// The library compared with itself in another case; the second series is of that case.
    pub(crate) fn of_cases(case: impl Into<String>, unit: &str, series: Vec<Series>) -> Self {
        Self { baseline: Baseline::OtherCase, ..Self::new(case, unit, series) }
    }

    /// The library in one row compared with itself in another.
    pub(crate) fn of_rows(case: impl Into<String>, row: &Self, other: &Self) -> Self {
        let other = Series { program: other.case.clone(), ..other.ours().clone() };
        Self::of_cases(case, &row.unit, vec![row.ours().clone(), other])
    }

    pub(crate) fn with_targets(mut self, targets: &[Option<f64>]) -> Self {
        self.targets = targets.to_vec();
        self
    }

    pub(crate) fn with_lower_is_better(mut self) -> Self {
        self.lower_is_better = true;
        self
    }

    /// By which the rows are in order: as texts, W10 would be before W2.
    pub(super) fn workload_number(&self) -> Option<u32> {
        self.workload.strip_prefix('W')?.parse().ok()
    }

    /// The library's figures.
    pub(super) fn ours(&self) -> &Series {
        &self.series[0]
    }

    /// Whether it compares the library's speed with hand-written programs.
    pub(super) fn compares_programs(&self) -> bool {
        self.series.len() > 1 && !self.lower_is_better && self.baseline == Baseline::Programs
    }

    /// The baselines, each with the library's ratio to it.
    pub(super) fn baselines(&self) -> impl Iterator<Item = (&Series, Ratio)> {
        let targets = self.targets.iter().copied().chain(std::iter::repeat(None));
        let ratio = |series, target| Ratio { spread: self.ours().ratio(series), target };
        let baselines = self.series[1..].iter().zip(targets);
        baselines.map(move |(series, target)| (series, ratio(series, target)))
    }

    /// One line, printed when the row is measured.
    pub(crate) fn line(&self) -> String {
        let mut line = format!(
            "{} {:22} {:34} {:>10} {}",
            self.workload,
            self.cell,
            self.case,
            figure(self.ours().spread().median),
            self.unit
        );
        for (baseline, ratio) in self.baselines() {
            line += &format!("  {:.2} of {}", ratio.spread.median, baseline.program);
        }
        line
    }
}
