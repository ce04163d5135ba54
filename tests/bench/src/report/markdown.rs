//! The table as Markdown.

use super::{Report, figure};

pub(super) fn page(report: &Report, plots: &[String]) -> String {
    let mut page = String::from(
        "# Results\n\nWritten by `cargo xtask bench --save`. The ratios are the result: ours divided by a hand-written program's, \
         on the same server and the same tables, in rounds that take turns. Beside each median are the quartiles of the rounds, and the target where it is missed. \
         Absolute figures hold for this machine alone.\n\n",
    );
    page += &format!("- Machine: {}\n", report.machine);
    for (cell, server) in &report.servers {
        page += &format!("- {cell}: {server}\n");
    }
    if report.rows.iter().any(|row| row.quick) {
        page += "- \\* Measured with `--quick`: less data, shorter rounds\n";
    }
    for plot in plots {
        page += &format!("\n![{plot}]({plot})\n");
    }
    page += "\n| | cell | case | unit | ours | beside | its figure | ratio |\n|---|---|---|---|--:|---|--:|---|\n";
    for row in &report.rows {
        let ours = figure(row.ours().spread().median);
        let (mut names, mut figures, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for (lane, to) in row.others() {
            names.push(lane.side.clone());
            figures.push(figure(lane.spread().median));
            ratios.push(to.shown());
        }
        page += &format!(
            "| {}{} | {} | {} | {} | {ours} | {} | {} | {} |\n",
            row.workload,
            if row.quick { "\\*" } else { "" },
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
