//! Every test that `docs/guarantees.md` names exists.

use std::{
    fs,
    path::{Path, PathBuf},
};

use user_streams_testkit::Case;

/// A file of Rust, by the modules that its path names, such as `sql::faults::bounds`.
struct Source {
    modules: Vec<String>,
    text: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Reads the files of Rust below this directory.
fn read(directory: &Path, sources: &mut Vec<Source>) {
    for entry in fs::read_dir(directory).unwrap_or_else(|error| panic!("{directory:?}: {error}")) {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            read(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push(Source { modules: modules(&path), text: text(&path) });
        }
    }
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A crate is called without `user-streams-`; folders and files that are no module do not count.
fn modules(path: &Path) -> Vec<String> {
    let parts = path.components().map(|part| part.as_os_str().to_string_lossy());
    let names = parts.map(|part| {
        let name = part.trim_end_matches(".rs").trim_start_matches("user-streams-");
        name.trim_end_matches("_tests").replace('-', "_")
    });
    let is_module = |name: &String| !["src", "tests", "mod", "lib", "main"].contains(&&**name);
    names.filter(is_module).collect()
}

/// The rows of the tables whose last column is headed `test`, each as the code in that column.
fn rows(page: &str) -> Vec<(&str, Vec<&str>)> {
    let mut rows = Vec::new();
    let mut is_listing = false;
    for line in page.lines() {
        let Some(row) = line.strip_prefix('|').and_then(|line| line.strip_suffix('|')) else {
            is_listing = false;
            continue;
        };
        let last = row.rsplit('|').next().unwrap_or_default();
        match last.trim() {
            "test" => is_listing = true,
            "---" => {}
            _ if is_listing => rows.push((line, last.split('`').skip(1).step_by(2).collect())),
            _ => {}
        }
    }
    rows
}

/// What is wrong with the name of a test.
fn problem(name: &str, sources: &[Source]) -> Option<String> {
    if let Some(flags) = name.strip_prefix("--fault ") {
        let (fault, without) = flags
            .split_once(" --without ")
            .map_or((flags, None), |(fault, mechanism)| (fault, Some(mechanism)));
        let is_in = |folder: &str, text: &str| {
            let mut files = sources.iter().filter(|file| file.modules.iter().any(|m| m == folder));
            files.any(|file| file.text.contains(text))
        };
        if !is_in("fault", &format!("name: \"{fault}\",")) {
            return Some("there is no such fault".to_owned());
        }
        let mechanism = without.filter(|it| !is_in("fault", &format!("(\"{it}\", Mechanism::")));
        return mechanism.map(|_| "there is no such mechanism".to_owned());
    }
    if Case::all().any(|case| case.name == name) {
        return None;
    }
    let (path, function) = name.rsplit_once("::").unwrap_or_default();
    let path: Vec<_> = path.split("::").collect();
    let definition = format!("fn {function}(");
    let is_there = |file: &&Source| {
        let (first, rest) = path.split_first().unwrap_or((&"", &[]));
        let tail = file.modules.iter().rposition(|module| module == first);
        tail.is_some_and(|at| file.modules[at + 1..] == *rest) && file.text.contains(&definition)
    };
    let Some(file) = sources.iter().find(is_there) else {
        return Some("there is no such function in a file of this path".to_owned());
    };
    let before = file.text.split(&definition).next().unwrap_or_default();
    let mut lines_before = before.lines().rev().take(3).map(str::trim_start);
    let has_attribute = lines_before.any(|line| line.starts_with("#[") && line.contains("test"));
    // What is no `#[test]` stands in a list of tests, in its file or in the main one.
    let folder = &file.modules[..file.modules.len() - path.len() + 1];
    let of_program = sources.iter().filter(|other| other.modules.starts_with(folder));
    let mentions: usize = of_program.map(|other| other.text.matches(function).count()).sum();
    (!has_attribute && mentions < 2).then(|| "nothing runs it".to_owned())
}

#[test]
fn every_test_that_is_named_exists() {
    let mut sources = Vec::new();
    for directory in ["crates", "tests"] {
        read(&root().join(directory), &mut sources);
    }
    let page = text(&root().join("docs/guarantees.md"));
    let rows = rows(&page);
    let mut problems = Vec::new();
    for (row, tests) in &rows {
        if tests.is_empty() {
            problems.push(format!("no test: {row}"));
        }
        for test in tests {
            problems.extend(problem(test, &sources).map(|problem| format!("{test}: {problem}")));
        }
    }
    assert!(rows.len() > 40, "only {} rows: has the form of the tables changed?", rows.len());
    assert!(problems.is_empty(), "docs/guarantees.md:\n{}", problems.join("\n"));
}

#[test]
fn a_test_that_does_not_exist_is_noticed() {
    let text = "const FAULT: Fault = Fault { name: \"cut\",\n (\"settle\", Mechanism::Settle)\n\
                fn helper() {}\n#[test]\nfn works() {}\ntests![listed]\nasync fn listed() {}";
    let file = |name: &str| Source { modules: modules(Path::new(name)), text: text.to_owned() };
    let sources = [file("crates/user-streams-sql/src/fault/mod.rs"), file("tests/tests/sql/a.rs")];
    for name in ["sql::a::works", "sql::a::listed", "--fault cut --without settle"] {
        assert_eq!(problem(name, &sources), None, "{name}");
    }
    for name in [
        "sql::a::helper",
        "sql::a::missing",
        "sql::b::works",
        "a::b::works",
        "works",
        "order::no_such_case",
        "--fault stall",
        "--fault cut --without grace",
    ] {
        assert!(problem(name, &sources).is_some(), "{name}");
    }
}
