//! The table of a soak, and the page of the book with it.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use comfy_table::{CellAlignment, Table, presets};

use super::{
    judge::{Measured, resident},
    task::Tally,
};

const HEADER: &[&str] = &[
    "cell",
    "calls",
    "dropped",
    "runtimes",
    "handles",
    "MiB from",
    "to",
    "descriptors before",
    "most",
    "after",
    "sessions at most",
    "allowed",
    "after",
    "longest call",
    "problems",
];

/// The fixed text of the page, after the command that wrote it.
const INTRODUCTION: &str = "\
Each cell is a process of its own; all run at once, on servers that the cells of a database share.
In each, four tasks and an occasional visitor make calls: adds to one user and to several (from
lists, iterators, streams and queries), adds within transactions that commit or roll back, pages by
slice, cursor and number, streams, counts, deletes and purges. One call in seven is dropped after a
few polls or milliseconds. Every few seconds calls are made in a new tokio runtime, which ends after
or during them, or another handle is connected, which is closed or dropped. As much is deleted as is
added.

Every answer is compared with what was acknowledged, and at the end what is stored is, by a client
on the bare driver. No call may fail, or take 0.5 s longer than its bound.

Memory, file descriptors, threads and sessions are read each second. Their medians in the second and
in the last quarter of the time (`from`, `to`) may differ by 2 MiB or 2 %, or by 2; there may never
be more sessions than all pools together may have; and after `close()` there must be no session, and
no more file descriptors than before connecting. `runtimes` and `handles` are those that have come
and gone. glibc is limited to two arenas (`MALLOC_ARENA_MAX=2`).";

/// What came of a cell.
pub(super) struct Row {
    pub(super) cell: &'static str,
    pub(super) tally: Tally,
    /// None if the cell failed before.
    pub(super) measured: Option<Measured>,
    pub(super) problems: Vec<String>,
}

pub(super) fn table(rows: &[Row]) -> String {
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN).set_header(HEADER.iter().copied());
    for row in rows {
        table.add_row(cells(row));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}

fn cells(row: &Row) -> Vec<String> {
    let tally = &row.tally;
    let mut cells = vec![row.cell.to_owned(), tally.calls.values().sum::<u64>().to_string()];
    cells.extend([tally.dropped, tally.runtimes, tally.handles].map(|count| count.to_string()));
    if let Some(measured) = &row.measured {
        let (from, to) = measured.medians(resident);
        cells.extend([from, to].map(|kib| format!("{:.1}", kib / 1024.0)));
        let (started, closed) = (measured.started, measured.closed);
        let descriptors =
            [started.descriptors, measured.most_descriptors(), closed.usage.descriptors];
        cells.extend(descriptors.map(|count| count.to_string()));
        cells.extend(match closed.sessions {
            Some(left) => [measured.most_sessions(), measured.max_sessions, left]
                .map(|count| count.to_string()),
            None => [const { String::new() }; 3],
        });
    } else {
        cells.resize(HEADER.len() - 2, String::new());
    }
    cells.truncate(HEADER.len() - 2);
    let longest = tally
        .longest
        .map(|(took, bound)| format!("{:.2} of {:.1} s", took.as_secs_f64(), bound.as_secs_f64()));
    cells.extend([longest.unwrap_or_default(), row.problems.len().to_string()]);
    cells
}

/// Writes the page of the book.
pub(super) fn save(file: &Path, command: &str, machine: &str, rows: &[Row]) -> Result<()> {
    let table = table(rows);
    let text =
        format!("# Soak\n\nWritten by `{command}`, {machine}.\n\n{INTRODUCTION}\n\n{table}\n");
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_introduction_fits_the_width() {
        assert!(INTRODUCTION.lines().all(|line| line.len() <= 100));
    }
}
