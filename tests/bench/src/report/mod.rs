//! The results: a table, JSON and plots.

mod figures;
mod markdown;
mod plot;
mod results;
mod row;
mod text;

use std::{fs, path::Path};

use anyhow::Result;
use user_streams_test_servers::cells::CELLS;

pub(crate) use self::{
    figures::{figure, thousands},
    results::Report,
    row::Row,
};

impl Report {
    /// The table for a terminal.
    pub(crate) fn text(&self) -> String {
        text::table(self)
    }

    /// Writes the page, the figures and the plots. Earlier results are kept, except those of
    /// workloads that were measured again: each row says on which machine that was.
    pub(crate) fn save(&self, directory: &Path) -> Result<()> {
        fs::create_dir_all(directory)?;
        let file = directory.join("results.json");
        let earlier =
            fs::read(&file).ok().and_then(|json| serde_json::from_slice::<Self>(&json).ok());
        let mut all = earlier.unwrap_or_else(|| Self::new(String::new()));
        all.machine.clone_from(&self.machine);
        all.rows.retain(|earlier| {
            self.rows
                .iter()
                .all(|row| (&row.workload, &row.cell) != (&earlier.workload, &earlier.cell))
        });
        all.rows.extend(self.rows.iter().cloned());
        all.rows.sort_by_key(|row| {
            (row.workload_number(), CELLS.iter().position(|cell| cell.name == row.cell))
        });
        all.servers.extend(self.servers.clone());
        let plots = plot::draw_all(&all, directory)?;
        fs::write(directory.join("results.md"), markdown::page(&all, &plots))?;
        fs::write(file, serde_json::to_string(&all)? + "\n")?;
        Ok(())
    }
}
