//! Finding and reading files; every path is relative to the workspace's root.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use serde_json::Value;

/// Build output and hidden files are not checked.
fn is_skipped(name: &str) -> bool {
    name.starts_with('.') || matches!(name, "target" | "book" | "node_modules")
}

/// All files below these directories that have this extension, with their texts, sorted.
pub(super) fn with_extension(
    root: &Path,
    directories: &[&str],
    extension: &str,
) -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    for directory in directories {
        walk(root, &root.join(directory), extension, &mut found)?;
    }
    found.sort();
    Ok(found)
}

fn walk(
    root: &Path,
    directory: &Path,
    extension: &str,
    found: &mut Vec<(String, String)>,
) -> Result<()> {
    let entries =
        fs::read_dir(directory).with_context(|| format!("cannot read {}", directory.display()))?;
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        let kind = entry.file_type()?;
        if is_skipped(&entry.file_name().to_string_lossy()) {
            continue;
        } else if kind.is_dir() {
            walk(root, &path, extension, found)?;
        } else if kind.is_file() && path.extension().is_some_and(|found| found == extension) {
            let text = fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            found.push((relative(root, &path), text));
        }
    }
    Ok(())
}

/// The directory of a package of `cargo metadata`.
pub(super) fn manifest_directory(root: &Path, package: &Value) -> Option<String> {
    let manifest = Path::new(package["manifest_path"].as_str()?);
    Some(relative(root, manifest.parent()?))
}

fn relative(root: &Path, path: &Path) -> String {
    let path = path.strip_prefix(root).unwrap_or(path);
    path.strip_prefix(".").unwrap_or(path).to_string_lossy().into_owned()
}
