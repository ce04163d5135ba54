//! The tables of the chapter, beside what is traced and measured.

use std::{collections::BTreeSet, fs, path::Path};

use user_streams_core::{MemoryBackend, Streams};

use crate::{capture, metrics, stores};

/// The cells of the rows of the table below a heading, without their backquotes.
fn table(heading: &str) -> Vec<Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/watching.md");
    let text = fs::read_to_string(path).unwrap();
    let (_, section) = text.split_once(&format!("\n## {heading}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        row.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', "")).collect()
    })
    .collect()
}

fn set(names: impl IntoIterator<Item = impl Into<String>>) -> BTreeSet<String> {
    names.into_iter().map(Into::into).collect()
}

pub(crate) async fn its_tables_are_complete() {
    let directory = tempfile::tempdir().unwrap();
    let streams = stores::sqlite(&directory).await;
    streams.add_stream_item(1, "an item").await.unwrap();
    streams.close().await.unwrap();
    Streams::from_backend(MemoryBackend::default()).purge().await.unwrap_err();

    let declared = set(capture::spans().into_iter().flat_map(|span| span.declared));
    assert_eq!(declared, set(table("Spans").iter().map(|row| &row[0])));

    let mut measured = BTreeSet::new();
    let all = metrics::all();
    let names = set(all.keys().map(|(name, _)| name));
    for name in names {
        let of_name = || all.iter().filter(|((is, _), _)| *is == name);
        let (_, first) = of_name().next().unwrap();
        let labels = set(of_name().flat_map(|((_, labels), _)| labels.keys()));
        let labels = labels.into_iter().collect::<Vec<_>>().join(", ");
        let kind = format!("{:?}", first.kind).to_lowercase();
        measured.insert([name, kind, first.unit.unwrap().to_owned(), labels].join(" | "));
    }
    let documented = table("Metrics").into_iter().map(|row| row[..4].join(" | "));
    assert_eq!(measured, set(documented));
}
