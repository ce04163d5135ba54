//! Tables, and files for libFuzzer.

use std::{fmt::Write as _, fs, path::Path};

use anyhow::{Context, Result};
use comfy_table::{Table, presets::ASCII_MARKDOWN};
use user_streams_fuzz::{
    Target,
    run::{Failure, Summary},
};

type Outcome = Result<Summary, Failure>;

/// What came of a target, in a line.
pub(crate) fn line(target: &Target, seed: u64, result: &Outcome) -> String {
    match result {
        Ok(summary) => format!(
            "{}: {} inputs in {:.1} s, {} outcomes",
            target.name(),
            summary.inputs,
            summary.elapsed.as_secs_f64(),
            summary.outcomes
        ),
        Err(failure) => format!(
            "{}: FAILED at input {} of seed {seed}: {}\n    shortened: b\"{}\"",
            target.name(),
            failure.number,
            failure.message,
            failure.input.escape_ascii()
        ),
    }
}

/// The table of the book.
pub(crate) fn table(results: &[(&Target, Outcome)], seed: u64) -> Table {
    let mut table = Table::new();
    table.load_preset(ASCII_MARKDOWN).set_header([
        "target",
        "seed",
        "inputs",
        "seconds",
        "accepted",
        "outcomes",
        "longest error",
    ]);
    for (target, result) in results {
        let cells = match result {
            Ok(summary) => vec![
                summary.inputs.to_string(),
                format!("{:.0}", summary.elapsed.as_secs_f64()),
                summary.accepted.to_string(),
                summary.outcomes.to_string(),
                format!("{} bytes", summary.longest_message),
            ],
            Err(failure) => vec![failure.number.to_string(), "FAILED".to_owned()],
        };
        table.add_row([vec![target.name().to_owned(), seed.to_string()], cells].concat());
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(comfy_table::CellAlignment::Right);
    }
    table
}

/// Writes `DIR/<target>/seeds/…` and `DIR/<target>/words.dict`.
pub(crate) fn export(targets: &[Target], directory: &Path) -> Result<()> {
    for target in targets {
        let folder = directory.join(target.name());
        let seeds = folder.join("seeds");
        fs::create_dir_all(&seeds).with_context(|| seeds.display().to_string())?;
        for (number, seed) in target.seeds().iter().enumerate() {
            fs::write(seeds.join(format!("seed-{number}")), seed)?;
        }
        let mut words = String::new();
        for word in target.words() {
            words.push('"');
            // Writing to a string cannot fail.
            word.iter().for_each(|byte| _ = write!(words, "\\x{byte:02X}"));
            words.push_str("\"\n");
        }
        fs::write(folder.join("words.dict"), words)?;
    }
    Ok(())
}
