//! `cargo xtask dependencies`: an application compiles the dependencies of the backends and
//! databases that it enables, and no others.

use anyhow::{Context, Result, bail};

use crate::workspace;

/// A package as an application would depend on it, and what it must not depend on.
struct Rule {
    package: &'static str,
    features: &'static str,
    without: &'static [&'static str],
}

const SQL: &[&str] =
    &["sea-orm", "sea-orm-migration", "sea-query", "sqlx-core", "user-streams-sql"];

const RULES: &[Rule] = &[
    Rule {
        package: "user-streams-core",
        features: "",
        without: &["sea-orm", "sqlx-core", "fred", "mio", "clap", "metrics"],
    },
    Rule {
        package: "user-streams-core",
        features: "metrics",
        without: &["metrics-util", "tracing-subscriber", "hashbrown"],
    },
    Rule { package: "user-streams-redis", features: "", without: SQL },
    Rule {
        package: "user-streams-axum",
        features: "",
        without: &["sea-orm", "sqlx-core", "fred", "ammonia", "hyper-tls", "tower-http"],
    },
    Rule {
        package: "user-streams-single-table",
        features: "sqlite",
        without: &["fred", "sqlx-postgres", "sqlx-mysql", "clap", "user-streams-many-to-many"],
    },
    Rule {
        package: "user-streams-single-table",
        features: "postgres",
        without: &["fred", "sqlx-sqlite", "sqlx-mysql"],
    },
    Rule {
        package: "user-streams-many-to-many",
        features: "mysql",
        without: &["fred", "sqlx-sqlite", "sqlx-postgres"],
    },
];

/// A feature of the facade, and the package and feature that it stands for.
const FACADE: &[(&str, &str, &str)] = &[
    ("single-table-sqlite", "user-streams-single-table", "sqlite"),
    ("single-table-postgres", "user-streams-single-table", "postgres"),
    ("single-table-mysql", "user-streams-single-table", "mysql"),
    ("many-to-many-sqlite", "user-streams-many-to-many", "sqlite"),
    ("many-to-many-postgres", "user-streams-many-to-many", "postgres"),
    ("many-to-many-mysql", "user-streams-many-to-many", "mysql"),
    ("redis", "user-streams-redis", ""),
];
const FACADE_NAME: &str = "user-streams";

pub(crate) fn run() -> Result<()> {
    let mut found = Vec::new();
    for rule in RULES {
        let tree = tree(rule.package, rule.features)?;
        found.extend(forbidden(rule, &tree));
        println!("{} [{}]: {} packages", rule.package, rule.features, tree.len());
    }
    for &(feature, package, alone) in FACADE {
        let (facade, alone) = (tree(FACADE_NAME, feature)?, tree(package, alone)?);
        found.extend(differences(feature, &facade, &alone));
        println!("{FACADE_NAME} [{feature}]: {} packages", facade.len());
    }
    if found.is_empty() {
        Ok(())
    } else {
        bail!("dependencies that must not be compiled:\n{}", found.join("\n"))
    }
}

/// The names of all packages that building this one compiles.
fn tree(package: &str, features: &str) -> Result<Vec<String>> {
    let mut command = workspace::cargo();
    command.args(["tree", "--package", package, "--features", features]);
    command.args(["--edges", "normal,build", "--prefix", "none", "--format", "{p}"]);
    let output = command.output().context("cannot run `cargo tree`")?;
    if !output.status.success() {
        bail!("`cargo tree` failed:\n{}", String::from_utf8_lossy(&output.stderr).trim_end());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let mut names: Vec<_> =
        text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect();
    names.sort();
    names.dedup();
    if names.is_empty() {
        bail!("`cargo tree` listed no packages for {package}");
    }
    Ok(names)
}

/// The facade with one feature compiles itself and what the backend's crate alone does.
fn differences(feature: &str, facade: &[String], alone: &[String]) -> Option<String> {
    let without = |left: &[String], right: &[String]| {
        let names = left.iter().filter(|name| *name != FACADE_NAME && !right.contains(name));
        names.cloned().collect::<Vec<_>>()
    };
    let (more, less) = (without(facade, alone), without(alone, facade));
    (!more.is_empty() || !less.is_empty()).then(|| {
        format!("{FACADE_NAME} [{feature}] compiles {more:?} more and {less:?} less than its crate")
    })
}

fn forbidden(rule: &Rule, tree: &[String]) -> Vec<String> {
    let has = |name: &&&str| tree.iter().any(|package| package == **name);
    rule.without
        .iter()
        .filter(has)
        .map(|name| format!("{} [{}] compiles {name}", rule.package, rule.features))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forbidden_dependency_is_named() {
        let tree = ["fred", "user-streams-single-table"].map(str::to_owned);
        let of = |package| RULES.iter().find(|rule| rule.package == package).unwrap();
        assert_eq!(
            forbidden(of("user-streams-single-table"), &tree),
            ["user-streams-single-table [sqlite] compiles fred"]
        );
        assert!(forbidden(of("user-streams-redis"), &tree).is_empty());
    }
}
