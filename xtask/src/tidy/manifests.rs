//! Rules on manifests.

use anyhow::{Context, Result};
use serde_json::Value;

use super::problem::Problem;

/// Every path dependency that the workspace shares names the workspace's version.
pub(super) fn versions(manifest: &str) -> Result<Vec<Problem>> {
    let manifest: toml::Table =
        manifest.parse().context("the workspace's Cargo.toml is not TOML")?;
    let workspace = manifest.get("workspace");
    let version = workspace
        .and_then(|workspace| workspace.get("package")?.get("version")?.as_str())
        .context("the workspace's Cargo.toml has no workspace.package.version")?;
    let dependencies = workspace.and_then(|workspace| workspace.get("dependencies")?.as_table());
    let problems = dependencies.into_iter().flatten().filter_map(|(name, dependency)| {
        dependency.get("path")?;
        let found = dependency.get("version").and_then(toml::Value::as_str);
        (found != Some(version)).then(|| {
            Problem::new(
                "Cargo.toml",
                format!("give the workspace dependency {name} the version \"{version}\""),
            )
        })
    });
    Ok(problems.collect())
}

/// A crate's folder has the crate's name.
pub(super) fn folder(directory: &str, folder: &str, name: &str) -> Option<Problem> {
    (folder != name)
        .then(|| Problem::new(directory, format!("rename the folder to the crate's name, {name}")))
}

/// Every package needs the same Rust, that of the workspace, which one job checks.
pub(super) fn rust_version(directory: &str, package: &Value, workspace: &str) -> Option<Problem> {
    (package["rust_version"].as_str() != Some(workspace)).then(|| {
        Problem::new(
            &format!("{directory}/Cargo.toml"),
            format!("write `rust-version.workspace = true`, which is {workspace}"),
        )
    })
}

/// A published crate has the metadata that a registry shows.
pub(super) fn published(directory: &str, package: &Value, has_readme: bool) -> Vec<Problem> {
    let manifest = format!("{directory}/Cargo.toml");
    let mut problems = Vec::new();
    for field in ["description", "license", "documentation", "readme"] {
        let text = package[field].as_str().unwrap_or_default();
        if ["", "TODO"].contains(&text) {
            problems.push(Problem::new(&manifest, format!("write the field `{field}`")));
        }
    }
    if package["keywords"].as_array().is_none_or(Vec::is_empty) {
        problems.push(Problem::new(&manifest, "add `keywords.workspace = true`"));
    }
    if !has_readme {
        problems
            .push(Problem::new(&format!("{directory}/README.md"), "write it: registries show it"));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn advices(problems: impl IntoIterator<Item = Problem>) -> Vec<String> {
        problems.into_iter().map(|problem| problem.advice).collect()
    }

    #[test]
    fn a_path_dependency_names_the_version_of_the_workspace() -> Result<()> {
        let manifest = r#"
            [workspace.package]
            version = "0.2.0"
            [workspace.dependencies]
            right = { path = "crates/right", version = "0.2.0" }
            old = { path = "crates/old", version = "0.1.0" }
            none = { path = "crates/none" }
            serde = "1"
        "#;
        let expected = ["none", "old"]
            .map(|name| format!("give the workspace dependency {name} the version \"0.2.0\""));
        let mut found = advices(versions(manifest)?);
        found.sort();
        assert_eq!(found, expected);
        Ok(())
    }

    #[test]
    fn a_published_crate_has_every_field() {
        let complete = json!({
            "description": "x",
            "license": "MIT",
            "documentation": "x",
            "readme": "README.md",
            "keywords": ["x"],
        });
        assert_eq!(published("crates/a", &complete, true), []);
        let bare = json!({ "description": "TODO", "license": "MIT", "readme": "README.md" });
        let expected = [
            "write the field `description`",
            "write the field `documentation`",
            "add `keywords.workspace = true`",
            "write it: registries show it",
        ];
        assert_eq!(advices(published("crates/a", &bare, false)), expected);
    }

    #[test]
    fn a_package_needs_the_rust_of_the_workspace() {
        let version = |version: Value| rust_version("a", &json!({"rust_version": version}), "1.94");
        assert_eq!(version(json!("1.94")), None);
        assert!(version(json!("1.89")).is_some() && version(Value::Null).is_some());
    }

    #[test]
    fn a_folder_has_the_name_of_its_crate() {
        assert_eq!(folder("crates/a", "a", "a"), None);
        assert!(folder("crates/a", "a", "b").is_some());
    }
}
