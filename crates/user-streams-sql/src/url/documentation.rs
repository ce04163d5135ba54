//! The tables of parameters in `docs/operating.md` are generated from the code.
//!
//! Write them again with
//! `USER_STREAMS_TEST_WRITE_DOCS=1 cargo test -p user-streams-sql --all-features documentation`.

use std::{env, fs};

use super::{mysql, parameters::Parameter, postgres, sqlite};

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operating.md");

fn table<T>(parameters: &[Parameter<T>]) -> String {
    let mut table = "| parameter | values | meaning |\n|---|---|---|\n".to_owned();
    for Parameter { name, aliases, values, meaning, .. } in parameters {
        let names: Vec<_> =
            [name].into_iter().chain(*aliases).map(|name| format!("`{name}`")).collect();
        table += &format!("| {} | {values} | {meaning} |\n", names.join(", "));
    }
    table
}

/// The document with `table` between the markers of this name.
fn replace(document: &str, name: &str, table: &str) -> String {
    let (begin, end) = (format!("<!-- {name}: made by a test -->\n\n"), "\n<!-- end -->");
    let (before, rest) = document.split_once(&begin).unwrap_or_else(|| panic!("no {begin}"));
    let (_, after) = rest.split_once(end).unwrap_or_else(|| panic!("no {end}"));
    format!("{before}{begin}{table}{end}{after}")
}

#[test]
fn the_tables_of_parameters_are_generated_from_the_code() {
    let document = fs::read_to_string(DOCUMENT).unwrap();
    let tables = [
        ("postgres", table(postgres::parameters::PARAMETERS)),
        ("mysql", table(mysql::parameters::PARAMETERS)),
        ("sqlite", table(sqlite::parameters::PARAMETERS)),
    ];
    let expected =
        tables.iter().fold(document.clone(), |all, (name, table)| replace(&all, name, table));
    if env::var_os("USER_STREAMS_TEST_WRITE_DOCS").is_some() {
        fs::write(DOCUMENT, expected).unwrap();
        return;
    }
    assert!(document == expected, "write the tables again: see the top of {}", file!());
}
