//! The report: a table of faults and cells.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result};
use comfy_table::{CellAlignment, Table, presets};
use user_streams_test_servers::harness::Cell;

use crate::{fault::Fault, flags::Flags, outcome::Outcome};

const HEADER: &[&str] = &[
    "fault",
    "cell",
    "trials",
    "acknowledged",
    "lost",
    "duplicated",
    "partial",
    "foreign",
    "longest call",
    "over bound",
    "failed after recovery",
    "sessions leaked",
    "connections missing",
    "sessions opened",
];

/// The fixed text of the page, after the command that wrote it.
const INTRODUCTION: &str = "\
Each trial injects a fault into a real server, its connections or its callers while tasks add and
read items, move marks, remove, trim or copy. Then a separate client on the bare driver checks what
is stored: each acknowledged item exactly once for each of its recipients, and nothing for other
users (`foreign`, which also counts answers that belong to another call). `acknowledged` counts
items, and moves of marks. A mark behind a place that was acknowledged is `lost`, like an item that
a trim took too early, a copy lacks, or that never came to a subscriber; a removal or trim that is
not whole is `partial`; and an item that is seen although it was dismissed or retracted is
`foreign`.

The last columns are about calls and connections: the call that took the largest share of its
documented bound, and the bound; calls over their bound; calls that failed more than 2 s after the
recovery; sessions that ran a statement or held a lock 2 s after their call had failed or was
dropped; connections that the pool no longer handed out; and sessions that were opened.";

const WIDTH: usize = 100;

/// The outcomes of all trials.
pub(crate) struct Report {
    cells: Vec<&'static str>,
    faults: Vec<&'static Fault>,
    /// By the positions of the fault and the cell.
    outcomes: BTreeMap<(usize, usize), Outcome>,
    total: Outcome,
    /// The failed trials, in words.
    failures: Vec<String>,
}

impl Report {
    pub(crate) fn new(cells: &[Cell], faults: &[&'static Fault]) -> Self {
        let cells = cells.iter().map(|cell| cell.name).collect();
        let (faults, outcomes) = (faults.to_vec(), BTreeMap::new());
        Self { cells, faults, outcomes, total: Outcome::default(), failures: Vec::new() }
    }

    /// Adds a trial.
    pub(crate) fn add(&mut self, fault: &Fault, cell: &Cell, trial: &Outcome) {
        let fault = self.faults.iter().position(|known| known.name == fault.name);
        let cell = self.cells.iter().position(|known| *known == cell.name);
        if let (Some(fault), Some(cell)) = (fault, cell) {
            self.outcomes.entry((fault, cell)).or_default().add(trial);
        }
        self.total.add(trial);
    }

    /// Adds what is wrong with a trial.
    pub(crate) fn failed(&mut self, failure: String) {
        self.failures.push(failure);
    }

    /// What is wrong with the trials that failed.
    pub(crate) fn failures(&self) -> &[String] {
        &self.failures
    }

    /// Whether every trial passed.
    pub(crate) fn passed(&self) -> bool {
        self.total.failed == 0
    }

    /// One line.
    pub(crate) fn summary(&self) -> String {
        format!("{} trials, {} failed", self.total.trials, self.total.failed)
    }

    /// The table.
    pub(crate) fn table(&self) -> String {
        let mut table = Table::new();
        table.load_preset(presets::ASCII_MARKDOWN).set_header(HEADER.iter().copied());
        for ((fault, cell), outcome) in &self.outcomes {
            table.add_row(row(self.faults[*fault].name, self.cells[*cell], outcome));
        }
        table.add_row(row("all", "", &self.total));
        for column in table.column_iter_mut().skip(2) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table.to_string()
    }

    /// Writes the page of the book.
    pub(crate) fn save(&self, file: &Path, flags: &Flags) -> Result<()> {
        let command = command(flags);
        let faults: Vec<_> = self
            .faults
            .iter()
            .map(|fault| wrap(&format!("- `{}`: {}", fault.name, fault.about), "  "))
            .collect();
        let text = format!(
            "# Fault trials\n\nWritten by `{command}`.\n\n{INTRODUCTION}\n\n{}\n\n## The faults\n\n\
             {}\n",
            self.table(),
            faults.join("\n"),
        );
        fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
    }
}

/// The command that makes this report again, but for the seed.
fn command(flags: &Flags) -> String {
    let long = if flags.long { " --long" } else { "" };
    let trials = flags.trials.map(|trials| format!(" --trials {trials}")).unwrap_or_default();
    format!("cargo xtask fault{long}{trials}")
}

fn row(fault: &str, cell: &str, outcome: &Outcome) -> Vec<String> {
    let stored = [
        outcome.trials,
        outcome.acknowledged,
        outcome.lost,
        outcome.duplicated,
        outcome.partial,
        outcome.foreign,
    ];
    let calls = [
        outcome.over_bound,
        outcome.late_failures,
        outcome.leaked_sessions,
        outcome.missing_connections,
        outcome.opened_sessions,
    ];
    let mut row = vec![fault.to_owned(), cell.to_owned()];
    row.extend(stored.iter().map(ToString::to_string));
    row.push(outcome.longest());
    row.extend(calls.iter().map(ToString::to_string));
    row
}

/// Breaks a text into lines of at most [`WIDTH`] columns; those after the first are indented.
fn wrap(text: &str, indent: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("{indent}{word}")),
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_wrapped_and_indented() {
        let word = "x".repeat(48);
        assert_eq!(
            wrap(&format!("- {word} {word} {word}"), "  "),
            format!("- {word} {word}\n  {word}")
        );
    }

    #[test]
    fn the_introduction_fits_the_width() {
        assert!(INTRODUCTION.lines().all(|line| line.len() <= WIDTH));
    }
}
