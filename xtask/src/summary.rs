//! The end of a test run: a line per cell, and whether all is well.

use std::collections::BTreeMap;

use crate::trials::{Tally, Trials};

/// What became of a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It was left out on request.
    Skipped,
    /// It had no server, for this reason.
    NoServer(String),
    /// It was handed to the tests.
    Handed,
}

/// A cell in the summary.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// The cell's name.
    pub(crate) cell: &'static str,
    /// What became of it.
    pub(crate) fate: Fate,
}

/// A finished run.
#[derive(Debug)]
pub(crate) struct Summary<'a> {
    /// Every cell, asked for or skipped.
    pub(crate) rows: &'a [Row],
    /// What the output told.
    pub(crate) trials: &'a Trials,
    /// Whether cargo succeeded; `None` if it was not run.
    pub(crate) cargo: Option<bool>,
    /// Whether a filter may leave a cell without a trial.
    pub(crate) may_be_empty: bool,
}

impl Summary<'_> {
    /// Whether nothing failed, and whatever was asked for ran.
    pub(crate) fn success(&self) -> bool {
        let cells = self.rows.iter().all(|row| self.problem(row).is_none());
        // An empty run is no success: a mistyped filter would pass.
        cells && self.cargo == Some(true) && self.ran() > 0
    }

    /// How many tests ran, in cells and beside them.
    fn ran(&self) -> usize {
        let cells = self.rows.iter().map(|row| self.trials.of(row.cell).ran());
        cells.sum::<usize>() + self.trials.others().ran()
    }

    /// The table, and the reasons that are too long for it.
    pub(crate) fn render(&self) -> String {
        let mut text = table(
            &["cell", "ran", "failed", "result"],
            self.rows.iter().map(|row| self.cells_of(row)),
        );
        let others = self.trials.others();
        if others.ran() > 0 {
            text +=
                &format!("\nbeside the cells: {} ran, {} failed\n", others.ran(), others.failed);
        }
        for (reason, cells) in self.without_server() {
            text += &format!("\n{} could not start: {reason}\n", cells.join(", "));
        }
        match self.cargo {
            Some(true) if self.success() => {}
            Some(true) if self.ran() == 0 => text += "\nnot one test ran\n",
            Some(true) => {
                text += "\nthe tests that ran passed, but not all that was asked for ran\n"
            }
            Some(false) => text += "\n`cargo test` failed: see above\n",
            None => text += "\nno test ran: no cell has a server\n",
        }
        text
    }

    /// The cells that share a reason, by reason.
    fn without_server(&self) -> BTreeMap<&str, Vec<&str>> {
        let mut reasons = BTreeMap::<_, Vec<_>>::new();
        for row in self.rows {
            if let Fate::NoServer(reason) = &row.fate {
                reasons.entry(reason.as_str()).or_default().push(row.cell);
            }
        }
        reasons
    }

    fn cells_of(&self, row: &Row) -> Vec<String> {
        let tally = self.trials.of(row.cell);
        let result = match (&row.fate, self.problem(row)) {
            (Fate::Skipped, _) => "skipped on request".to_owned(),
            (_, Some(problem)) => format!("FAILED: {problem}"),
            (_, None) if tally.ran() == 0 => "no trial matches the filter".to_owned(),
            (_, None) if tally.ignored > 0 => format!("ok, {} ignored", tally.ignored),
            (_, None) => "ok".to_owned(),
        };
        vec![row.cell.to_owned(), tally.ran().to_string(), tally.failed.to_string(), result]
    }

    /// Why this cell failed, if it did.
    fn problem(&self, row: &Row) -> Option<&'static str> {
        let tally: Tally = self.trials.of(row.cell);
        match row.fate {
            Fate::Skipped => None,
            Fate::NoServer(_) => Some("no server, see below"),
            Fate::Handed if tally.failed > 0 => Some("see above"),
            Fate::Handed if tally.ran() == 0 && !self.may_be_empty => Some("not one trial ran"),
            Fate::Handed => None,
        }
    }
}

/// A plain table: columns as wide as their widest cell, numbers to the right.
pub(crate) fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let head = head.iter().map(|&word| word.to_owned()).collect();
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(rows).collect();
    let columns = rows[0].len();
    let width =
        |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<_> = (0..columns).map(width).collect();
    let numeric: Vec<_> = (0..columns)
        .map(|column| {
            rows.len() > 1 && rows[1..].iter().all(|row| row[column].parse::<u64>().is_ok())
        })
        .collect();
    let mut text = String::new();
    for row in &rows {
        let cells = row.iter().enumerate().map(|(column, cell)| {
            let width = widths[column];
            if numeric[column] { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
        });
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trials() -> Trials {
        let mut trials = Trials::default();
        trials.feed(
            b"Running tests/conformance.rs (x)\ntest memory::a ... ok\ntest redis::a ... FAILED\n",
        );
        trials
    }

    fn rows(cells: &[(&'static str, Fate)]) -> Vec<Row> {
        cells.iter().map(|(cell, fate)| Row { cell, fate: fate.clone() }).collect()
    }

    fn success(cells: &[(&'static str, Fate)], may_be_empty: bool) -> bool {
        let summary =
            Summary { rows: &rows(cells), trials: &trials(), cargo: Some(true), may_be_empty };
        summary.success()
    }

    #[test]
    fn a_cell_of_which_no_trial_ran_fails() {
        assert!(success(&[("memory", Fate::Handed)], false));
        assert!(!success(&[("memory", Fate::Handed), ("redis-cluster", Fate::Handed)], false));
        assert!(success(&[("memory", Fate::Handed), ("redis-cluster", Fate::Handed)], true));
    }

    #[test]
    fn a_run_of_nothing_fails_even_with_a_filter() {
        assert!(!success(&[("redis-cluster", Fate::Handed)], true));
    }

    #[test]
    fn a_failed_trial_or_a_missing_server_fails_and_a_skipped_cell_does_not() {
        assert!(!success(&[("memory", Fate::Handed), ("redis", Fate::Handed)], false));
        assert!(!success(
            &[("memory", Fate::Handed), ("single-table/mysql", Fate::NoServer("x".into()))],
            true
        ));
        assert!(success(&[("memory", Fate::Handed), ("single-table/mysql", Fate::Skipped)], false));
    }

    #[test]
    fn the_table_tells_why() {
        let rows = rows(&[
            ("memory", Fate::Handed),
            ("redis", Fate::Skipped),
            ("single-table/mysql", Fate::NoServer("run `apt-get install mariadb-server`".into())),
            ("many-to-many/mysql", Fate::NoServer("run `apt-get install mariadb-server`".into())),
        ]);
        let summary =
            Summary { rows: &rows, trials: &trials(), cargo: Some(true), may_be_empty: false };
        let expected = "\
cell                ran  failed  result
memory                1       0  ok
redis                 1       1  skipped on request
single-table/mysql    0       0  FAILED: no server, see below
many-to-many/mysql    0       0  FAILED: no server, see below

single-table/mysql, many-to-many/mysql could not start: run `apt-get install mariadb-server`

the tests that ran passed, but not all that was asked for ran
";
        assert_eq!(summary.render(), expected);
    }
}
