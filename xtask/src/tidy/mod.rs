//! `cargo xtask tidy`: the repository's own lints.
//!
//! A rule takes texts and returns problems; only this file and `files` read the disk.

mod circles;
mod documents;
mod files;
mod manifests;
mod problem;
mod sources;

use std::{collections::BTreeSet, fs, path::Path};

use anyhow::{Context, Result, bail};
use problem::Problem;
use serde_json::Value;

use crate::workspace;

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
        problems.extend(manifests::rust_version(&directory, package, workspace::RUST_VERSION));
        let src = format!("{directory}/src");
        let files = files::with_extension(root, &[&src], "rs")?;
        problems.extend(circles::check(&src, &files));
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
        problems.extend(sources::width(&file, &text));
    }
    let documents = files::with_extension(root, &["."], "md")?;
    problems.extend(documents::check(&documents, &crates, &members));
    problems.sort();
    Ok(problems)
}
