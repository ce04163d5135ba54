//! `cargo xtask tidy`: the rules of the house, as failures.
//!
//! A rule takes texts and answers problems; only this file and `files` read the disk.

mod documents;
mod files;
mod manifests;
mod sources;

use std::{collections::BTreeSet, fmt, fs, path::Path};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::workspace;

/// What is wrong with a file, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Problem {
    file: String,
    advice: String,
}

impl Problem {
    fn new(file: &str, advice: impl Into<String>) -> Self {
        Self { file: file.to_owned(), advice: advice.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.advice)
    }
}

/// Checks everything, and lists all the problems at once.
pub(crate) fn run() -> Result<()> {
    let problems = check(&workspace::root(), &workspace::packages()?)?;
    if problems.is_empty() {
        println!("tidy");
        return Ok(());
    }
    for problem in &problems {
        eprintln!("{problem}");
    }
    bail!("tidy found {} problem{}", problems.len(), if problems.len() == 1 { "" } else { "s" });
}

/// The problems of the workspace in `root`, whose members are `packages`.
fn check(root: &Path, packages: &[Value]) -> Result<Vec<Problem>> {
    let manifest = fs::read_to_string(root.join("Cargo.toml"))
        .context("cannot read the workspace's Cargo.toml")?;
    let mut problems = manifests::versions(&manifest)?;

    let mut crates = BTreeSet::new();
    let mut members = BTreeSet::new();
    for package in packages {
        let name = package["name"].as_str().unwrap_or_default();
        members.insert(name);
        let Some(directory) = files::manifest_directory(root, package) else { continue };
        let Some(folder) = directory.strip_prefix("crates/") else { continue };
        crates.insert(name);
        problems.extend(manifests::folder(&directory, folder, name));
        let lib = format!("{directory}/src/lib.rs");
        let text = fs::read_to_string(root.join(&lib)).ok();
        if let Some(text) = &text {
            problems.extend(sources::lib_holds_no_items(&lib, text));
        }
        if workspace::is_published(package) {
            let has_readme = root.join(&directory).join("README.md").is_file();
            problems.extend(manifests::published(&directory, package, has_readme));
            problems.extend(text.iter().flat_map(|text| sources::lib_shows_readme(&lib, text)));
        }
    }

    for (file, text) in files::with_extension(root, &["xtask", "crates", "tests"], "rs")? {
        problems.extend(sources::length(&file, &text));
    }
    let documents = files::with_extension(root, &["."], "md")?;
    problems.extend(documents::check(&documents, &crates, &members));
    problems.sort();
    Ok(problems)
}
