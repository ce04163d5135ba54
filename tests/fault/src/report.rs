//! The table of faults and cells.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use comfy_table::{CellAlignment, Table, presets};

use crate::{cell::Cell, fault::Fault, run::Figures, tally::Tally};

const HEAD: &[&str] = &[
    "fault",
    "cell",
    "trials",
    "acknowledged",
    "lost",
    "duplicated",
    "partial",
    "foreign",
    "longest call of its bound",
    "over its bound",
    "failed after recovery",
    "sessions left",
    "slots lost",
    "sessions opened",
];

/// What the trials have shown.
pub(crate) struct Report {
    cells: Vec<&'static str>,
    faults: Vec<&'static Fault>,
    figures: Figures,
    /// Over everything.
    all: Tally,
}

impl Report {
    pub(crate) fn new(cells: &[Cell], faults: &[&'static Fault]) -> Self {
        let cells = cells.iter().map(|cell| cell.name).collect();
        Self { cells, faults: faults.to_vec(), figures: Figures::new(), all: Tally::default() }
    }

    /// Adds a trial.
    pub(crate) fn add(&mut self, fault: &Fault, cell: &Cell, trial: &Tally) {
        let fault = self.faults.iter().position(|known| known.name == fault.name);
        let cell = self.cells.iter().position(|known| *known == cell.name);
        if let (Some(fault), Some(cell)) = (fault, cell) {
            self.figures.entry((fault, cell)).or_default().add(trial);
        }
        self.all.add(trial);
    }

    /// Whether no trial has failed.
    pub(crate) fn passed(&self) -> bool {
        self.all.failed == 0
    }

    /// One line.
    pub(crate) fn summary(&self) -> String {
        format!("{} trials, {} of them failed", self.all.trials, self.all.failed)
    }

    /// The table for a terminal.
    pub(crate) fn text(&self) -> String {
        self.table().to_string()
    }

    fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_preset(presets::ASCII_MARKDOWN).set_header(HEAD.iter().copied());
        for ((fault, cell), tally) in &self.figures {
            table.add_row(row(self.faults[*fault].name, self.cells[*cell], tally));
        }
        table.add_row(row("all", "", &self.all));
        for column in table.column_iter_mut().skip(2) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table
    }

    /// Writes the page of the book.
    pub(crate) fn save(&self, file: &Path, long: bool) -> Result<()> {
        let command = if long { "cargo xtask fault --long" } else { "cargo xtask fault" };
        let faults: Vec<_> = self
            .faults
            .iter()
            .map(|fault| format!("- `{}`: {}", fault.name, fault.about))
            .collect();
        let text = format!(
            "# Fault trials\n\n\
             Made by `{command}`, which writes this page. Each trial breaks something on a real server while tasks add \
             and\nread, and is judged by a program on the bare driver: what was acknowledged is stored once, for \
             everybody whom it was\nfor and for nobody else. The last columns are about the connections: how long the \
             longest call took beside its\ndocumented bound, calls that failed later than 2 s after the recovery, \
             sessions that still worked or held a lock 2 s\nafter a timeout or a drop, and connections that the pool \
             did not give out any more.\n\n\
             {}\n\n## The faults\n\n{}\n",
            self.table(),
            faults.join("\n"),
        );
        fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
    }
}

fn row(fault: &str, cell: &str, tally: &Tally) -> Vec<String> {
    let numbers = [
        tally.trials,
        tally.acknowledged,
        tally.lost,
        tally.duplicated,
        tally.partial,
        tally.foreign,
    ];
    let mut row = vec![fault.to_owned(), cell.to_owned()];
    row.extend(numbers.iter().map(ToString::to_string));
    row.push(tally.longest());
    let numbers = [tally.over, tally.late, tally.left, tally.slots, tally.opened];
    row.extend(numbers.iter().map(ToString::to_string));
    row
}
