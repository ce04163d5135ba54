//! The page of the book.

use super::{Report, Row, figure};

const INTRODUCTION: &str = "\
# Results

Written by `cargo xtask bench --save`. The ratios are the result: the library's figure divided by a
hand-written program's, on the same server and the same tables, in alternating rounds. Each ratio is
the median of the rounds, with the quartiles, and the target where it is missed. Absolute figures
hold for the machine of their row only.

";

const HEADER: &str = "
| | machine | cell | case | unit | ours | baseline | its figure | ratio |
|---|---|---|---|---|--:|---|--:|---|
";

/// What the machines are called.
const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

pub(super) fn page(report: &Report, plots: &[String]) -> String {
    let mut page = String::from(INTRODUCTION);
    let machines = report.machines();
    for (letter, machine) in LETTERS.chars().zip(&machines) {
        page += &format!("- Machine {letter}: {machine}\n");
    }
    for (cell, server) in &report.servers {
        page += &format!("- {cell}: {server}\n");
    }
    if report.rows.iter().any(|row| row.quick) {
        page += "- \\* Measured with `--quick`: less data, shorter rounds\n";
    }
    for plot in plots {
        page += &format!("\n![{plot}]({plot})\n");
    }
    page += HEADER;
    for row in &report.rows {
        let ours = figure(row.ours().spread().median);
        let (mut names, mut figures, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for (baseline, ratio) in row.baselines() {
            names.push(baseline.program.clone());
            figures.push(figure(baseline.spread().median));
            ratios.push(ratio.shown());
        }
        page += &format!(
            "| {}{} | {} | {} | {} | {} | {ours} | {} | {} | {} |\n",
            row.workload,
            if row.quick { "\\*" } else { "" },
            letter(&machines, row),
            row.cell,
            row.case,
            row.unit,
            names.join("<br>"),
            figures.join("<br>"),
            ratios.join("<br>")
        );
    }
    page
}

fn letter(machines: &[&str], row: &Row) -> char {
    let at = machines.iter().position(|machine| *machine == row.machine);
    at.and_then(|at| LETTERS.chars().nth(at)).unwrap_or('?')
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESULTS: &str = include_str!("../../../../docs/benchmarks/results.json");
    const PAGE: &str = include_str!("../../../../docs/benchmarks/results.md");

    #[test]
    fn the_saved_page_shows_the_saved_figures() -> anyhow::Result<()> {
        let report: Report = serde_json::from_str(RESULTS)?;
        let plots = report.plotted().into_iter().map(|(file, _)| file).collect::<Vec<_>>();
        let written = page(&report, &plots);
        for (written, saved) in written.lines().zip(PAGE.lines()) {
            assert_eq!(written, saved);
        }
        assert_eq!(written.len(), PAGE.len());
        Ok(())
    }
}
