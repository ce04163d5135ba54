//! The table for a terminal.

use super::{Report, figure};

pub(super) fn table(report: &Report) -> String {
    let mut cells = vec![
        ["", "cell", "case", "unit", "ours", "baseline", "its figure", "ratio (quartiles)"]
            .map(str::to_owned),
    ];
    for row in &report.rows {
        let ours = figure(row.ours().spread().median);
        let head =
            [row.workload.clone(), row.cell.clone(), row.case.clone(), row.unit.clone(), ours];
        let mut head = Some(head);
        for (baseline, ratio) in row.baselines() {
            let [a, b, c, d, e] = head.take().unwrap_or_default();
            let its = figure(baseline.spread().median);
            cells.push([a, b, c, d, e, baseline.program.clone(), its, ratio.shown()]);
        }
        if let Some([a, b, c, d, e]) = head {
            cells.push([a, b, c, d, e, String::new(), String::new(), String::new()]);
        }
    }
    let widths: [usize; 8] = std::array::from_fn(|at| {
        cells.iter().map(|row| row[at].chars().count()).max().unwrap_or_default()
    });
    let mut text = format!("{}\n", report.machine);
    for row in cells {
        let line: Vec<_> = row
            .iter()
            .zip(widths)
            .enumerate()
            .map(|(at, (cell, width))| match at {
                4 | 6 => format!("{cell:>width$}"),
                _ => format!("{cell:width$}"),
            })
            .collect();
        text += line.join("  ").trim_end();
        text.push('\n');
    }
    text
}
