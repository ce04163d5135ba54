//! `cargo xtask ci`: what the CI service runs, step by step.

use std::{collections::BTreeMap, process::Command, time::Instant};

use anyhow::{Context, Result};
use serde_json::Value;
use user_streams_test_servers::process;

use crate::{
    dependencies, fault,
    flags::{Ci, PassedOn, Test},
    test, tidy, workspace,
};

/// The features that choose a database: each must build alone.
const DATABASES: &[&str] = &["sqlite", "postgres", "mysql"];

/// A step: its name, the line that runs it alone, and what it does.
struct Step {
    name: String,
    line: String,
    action: Box<dyn FnOnce() -> Result<()>>,
}

impl Step {
    fn new(name: &str, line: &str, action: impl FnOnce() -> Result<()> + 'static) -> Self {
        Self { name: name.to_owned(), line: line.to_owned(), action: Box::new(action) }
    }

    /// A cargo command, whose variables are part of the line.
    fn cargo(name: &str, variables: &[(&'static str, &'static str)], arguments: &[&str]) -> Self {
        let mut command = workspace::cargo();
        command.args(arguments).envs(variables.iter().copied());
        let variables =
            variables.iter().map(|(name, value)| format!("{name}={} ", process::quote(value)));
        let mut shown = Command::new("cargo");
        let line = variables.collect::<String>() + &process::display(shown.args(arguments));
        Self::new(name, &line, move || process::run(&mut command))
    }
}

/// Runs the steps, and stops at the first that fails.
pub(crate) fn run(flags: &Ci) -> Result<()> {
    let mut times = String::new();
    for step in steps(flags)? {
        println!("\n--- {}: {}", step.name, step.line);
        let start = Instant::now();
        (step.action)()
            .with_context(|| format!("{} failed; rerun it with `{}`", step.name, step.line))?;
        times += &format!("{:>8.1} s  {}\n", start.elapsed().as_secs_f64(), step.name);
    }
    print!("\n{times}");
    Ok(())
}

fn steps(flags: &Ci) -> Result<Vec<Step>> {
    let mut steps = vec![
        Step::cargo("fmt", &[], &["fmt", "--all", "--check"]),
        Step::cargo(
            "clippy",
            &[],
            &["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"],
        ),
    ];
    let packages = workspace::packages()?;
    for package in packages.iter().filter(|package| workspace::is_published(package)) {
        let name = package["name"].as_str().unwrap_or_default();
        // Alone: with the rest of the workspace cargo would enable what others need of it.
        steps.push(Step::cargo(&format!("check {name}"), &[], &["check", "-p", name]));
    }
    // Its tests too, which the others run with the feature `metrics`.
    let core = ["clippy", "-p", "user-streams-core", "--all-targets", "--", "-D", "warnings"];
    steps.push(Step::cargo("clippy core without metrics", &[], &core));
    let core = ["test", "-p", "user-streams-core", "--lib"];
    steps.push(Step::cargo("test core without metrics", &[], &core));
    for (package, feature) in single_databases(&packages) {
        let arguments = [
            "clippy",
            "-p",
            &package,
            "--no-default-features",
            "--features",
            feature,
            "--",
            "-D",
            "warnings",
        ];
        steps.push(Step::cargo(&format!("clippy {package} {feature}"), &[], &arguments));
    }
    let rustdoc = ["doc", "--workspace", "--no-deps", "--all-features"];
    steps.push(Step::cargo("doc", &[("RUSTDOCFLAGS", "-D warnings")], &rustdoc));
    let line = format!("rustup run {} cargo check", workspace::RUST_VERSION);
    steps.push(Step::new("oldest Rust", &line, oldest_rust));
    steps.push(Step::new("deny", "cargo deny check bans licenses sources", deny));
    steps.push(Step::new("tidy", "cargo xtask tidy", tidy::run));
    steps.push(Step::new("dependencies", "cargo xtask dependencies", dependencies::run));
    let without_tls = ["test", "-p", "without-tls", "--test", "refusals"];
    steps.push(Step::cargo("without TLS", &[], &without_tls));
    // In a debug build and where the linker drops all it may: a binary, a test and an example.
    for profile in ["dev", "fat-lto"] {
        let test = ["test", "-p", "facade", "--profile", profile, "--test", "linked"];
        steps.push(Step::cargo(&format!("facade {profile}"), &[], &test));
        let example = ["run", "-p", "facade", "--profile", profile, "--example", "feed"];
        steps.push(Step::cargo(&format!("facade's example {profile}"), &[], &example));
    }
    if !flags.no_test {
        steps.push(Step::new("test", "cargo xtask test", || test::run(&Test::default())));
        steps.push(Step::new("fault", "cargo xtask fault", || fault::run(&PassedOn::default())));
    }
    Ok(steps)
}

/// Checks the workspace with the Rust of `rust-version`, where that is installed.
fn oldest_rust() -> Result<()> {
    let rustup = |arguments: &[&str]| {
        let mut command = Command::new("rustup");
        command.args(["run", workspace::RUST_VERSION]).args(arguments);
        command.current_dir(workspace::root());
        command
    };
    if workspace::succeeds(&mut rustup(&["cargo", "--version"])) {
        return process::run(&mut rustup(&["cargo", "check", "--workspace", "--all-features"]));
    }
    println!(
        "it is not installed: run `rustup toolchain install {} --profile minimal`",
        workspace::RUST_VERSION
    );
    Ok(())
}

/// Checks the dependencies by `deny.toml`, where cargo-deny is installed. Known vulnerabilities are
/// checked by the CI service alone: their database is not to be had everywhere.
fn deny() -> Result<()> {
    let deny = |arguments: &[&str]| {
        let mut command = workspace::cargo();
        command.arg("deny").args(arguments);
        command
    };
    if workspace::succeeds(&mut deny(&["--version"])) {
        return process::run(&mut deny(&["check", "bans", "licenses", "sources"]));
    }
    println!("it is not installed: run `cargo install cargo-deny --locked`, which takes minutes");
    Ok(())
}

/// Every published package with each of the databases that it has a feature for.
fn single_databases(packages: &[Value]) -> Vec<(String, &'static str)> {
    let mut found = BTreeMap::new();
    for package in packages.iter().filter(|package| workspace::is_published(package)) {
        if let (Some(name), Some(features)) =
            (package["name"].as_str(), package["features"].as_object())
        {
            let has = DATABASES.iter().copied().filter(|&database| features.contains_key(database));
            found.insert(name.to_owned(), has.collect::<Vec<_>>());
        }
    }
    found
        .into_iter()
        .flat_map(|(name, has)| has.into_iter().map(move |database| (name.clone(), database)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_the_databases_that_a_crate_has_are_linted_alone() {
        let packages = [
            json!({ "name": "b", "features": { "default": [], "sqlite": [], "postgres": ["x"] } }),
            json!({ "name": "a", "features": { "tls": [] } }),
            json!({ "name": "tests", "features": { "mysql": [] }, "publish": [] }),
        ];
        assert_eq!(
            single_databases(&packages),
            [("b".to_owned(), "sqlite"), ("b".to_owned(), "postgres")]
        );
    }

    #[test]
    fn a_step_shows_the_line_that_reruns_it() {
        let step = Step::cargo("doc", &[("RUSTDOCFLAGS", "-D warnings")], &["doc", "--no-deps"]);
        assert_eq!(step.line, "RUSTDOCFLAGS='-D warnings' cargo doc --no-deps");
    }
}
