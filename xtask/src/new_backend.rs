//! `cargo xtask new-backend`: a crate that passes the conformance suite, to write a backend from.
//!
//! It is a copy of `tests/fixtures/third-party-backend` with other names, so the generated code is
//! tested.

use std::{
    fs,
    path::{self, Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};
use user_streams_test_servers::process::quote;

use crate::{flags::NewBackend, workspace};

macro_rules! fixture {
    ($($file:literal)*) => {
        &[$(($file, include_str!(concat!("../../tests/fixtures/third-party-backend/", $file)))),*]
    };
}
const FILES: &[(&str, &str)] =
    fixture!["README.md" "src/lib.rs" "src/backend.rs" "tests/conformance.rs" "tests/registry.rs"];
const MEMBER: &str = include_str!("new_backend/member.toml");
const ALONE: &str = include_str!("new_backend/alone.toml");

const SCHEMES: &[&str] = &[
    "memory",
    "single-table",
    "many-to-many",
    "redis",
    "redis-cluster",
    "redis-sentinel",
    "rediss",
    "rediss-cluster",
    "rediss-sentinel",
];
/// The names that cargo refuses, and those of the crate's dependencies.
const RESERVED: &str = "\
    abstract alloc as async await become box break const continue core crate do dyn else enum \
    extern false final fn for gen if impl in let loop macro match mod move mut override priv \
    proc-macro pub ref return self serde serde-json static std struct super tempfile test tokio \
    trait true try type typeof unsafe unsized use virtual where while yield";

/// Writes the crate; a directory that is not empty is left as it is.
pub(crate) fn run(flags: &NewBackend) -> Result<()> {
    let root = fs::canonicalize(workspace::root()).context("cannot find the workspace")?;
    let names = Names::new(&flags.name)?;
    let crates = root.join("crates");
    let directory = match &flags.path {
        Some(path) => resolve(path)?,
        None => crates.join(names.package),
    };
    let is_member = directory.parent() == Some(&crates);
    if is_member && directory.file_name() != Some(names.package.as_ref()) {
        bail!("a folder in crates/ has the name of its crate: omit `--path`");
    }
    if !is_member && directory.starts_with(&root) {
        bail!(
            "{} is in this workspace, but not in crates/: omit `--path`, or choose one outside",
            directory.display()
        );
    }
    if directory.exists()
        && fs::read_dir(&directory).map_or(true, |mut entries| entries.next().is_some())
    {
        bail!("{} already exists and is not an empty directory", directory.display());
    }

    let manifest = if is_member { MEMBER.to_owned() } else { alone(&crates) };
    let files = FILES.iter().map(|(file, text)| (*file, names.replace_in(text)));
    for (file, text) in files.chain([("Cargo.toml", names.replace_in(&manifest))]) {
        let path = directory.join(file);
        let write =
            path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, text));
        write.with_context(|| format!("cannot write {}", path.display()))?;
    }
    format(&directory);

    println!(
        "created {}: a backend in one file, to be changed. Its tests pass:",
        directory.display()
    );
    if is_member {
        println!("    cargo test -p {}", names.package);
        println!("`cargo xtask tidy` lists what is missing.");
    } else {
        let manifest = directory.join("Cargo.toml").display().to_string();
        println!("    cargo test --manifest-path {}", quote(&manifest));
        println!("It uses this checkout of user-streams, by the paths in its Cargo.toml.");
    }
    Ok(())
}

/// A crate's name, and the names derived from it.
#[derive(Debug)]
struct Names<'a> {
    package: &'a str,
    /// The backend's name, which is its URLs' scheme too.
    backend: &'a str,
}

impl<'a> Names<'a> {
    fn new(package: &'a str) -> Result<Self> {
        let backend = package.strip_prefix("user-streams-").unwrap_or(package);
        let is_word = |word: &str| {
            !word.is_empty()
                && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        if !backend.split('-').all(is_word)
            || !backend.starts_with(|c: char| c.is_ascii_lowercase())
        {
            bail!(
                "`{package}` is not a valid name for a backend: expected lowercase words and \
                 digits separated by hyphens, such as `user-streams-mongo`"
            );
        }
        if package.len() > 64 {
            bail!("a name of {} bytes is too long: at most 64", package.len());
        }
        if SCHEMES.contains(&backend) {
            bail!("`{backend}` is the name of a backend of this project: choose another");
        }
        if RESERVED.split_whitespace().any(|reserved| reserved == package) {
            bail!("a crate cannot be called `{package}` here: try `user-streams-{package}`");
        }
        Ok(Self { package, backend })
    }

    /// The text with the fixture's names replaced, and without the anchors for the book.
    fn replace_in(&self, text: &str) -> String {
        let capitalized = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
        let names = [
            ("third-party-backend", self.package.to_owned()),
            ("third_party_backend", self.package.replace('-', "_")),
            ("journal", self.backend.to_owned()),
            ("Journal", self.backend.split('-').map(capitalized).collect()),
        ];
        let lines = text.lines().filter(|line| !line.trim_start().starts_with("// ANCHOR"));
        let mut text = lines.collect::<Vec<_>>().join("\n") + "\n";
        let mut put = String::with_capacity(text.len());
        // One pass from left to right: a name that was inserted may contain one to replace.
        while let Some((at, (old, new))) = names
            .iter()
            .filter_map(|name| Some((text.find(name.0)?, name)))
            .min_by_key(|(at, _)| *at)
        {
            put.push_str(&text[..at]);
            put.push_str(new);
            text.drain(..at + old.len());
        }
        put + &text
    }
}

/// The absolute path; symbolic links in the part of it that exists are resolved.
fn resolve(path: &Path) -> Result<PathBuf> {
    let path = path::absolute(path).with_context(|| format!("{} is not a path", path.display()))?;
    let there = path.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(&path);
    let resolved =
        fs::canonicalize(there).with_context(|| format!("cannot resolve {}", there.display()))?;
    Ok(resolved.join(path.strip_prefix(there).unwrap_or(Path::new(""))))
}

/// The manifest of a crate outside of the workspace.
fn alone(crates: &Path) -> String {
    let mut manifest = ALONE
        .replace("@version@", workspace::VERSION)
        .replace("@rust-version@", workspace::RUST_VERSION);
    for name in ["user-streams-core", "user-streams-testkit"] {
        // A string of JSON is one of TOML.
        let path = serde_json::Value::from(crates.join(name).display().to_string());
        manifest = manifest.replace(&format!("@{name}@"), &path.to_string());
    }
    manifest
}

/// Names of another length change where lines break. Without rustfmt the files stay as they are.
fn format(directory: &Path) {
    let sources = FILES.iter().map(|(file, _)| *file).filter(|file| file.ends_with(".rs"));
    let mut rustfmt = Command::new("rustfmt");
    rustfmt.args(["--edition", "2024"]).args(sources).current_dir(directory);
    let _ = rustfmt.stdout(Stdio::null()).stderr(Stdio::null()).status();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_names_are_refused() {
        for name in [
            "",
            "Mongo",
            "mon_go",
            "-mongo",
            "mongo-",
            "a--b",
            "2d",
            "user-streams-",
            "mongo/..",
            "ü",
        ] {
            let error = Names::new(name).expect_err(name).to_string();
            assert!(error.contains("is not a valid name for a backend"), "{error}");
        }
        for (name, advice) in [
            ("user-streams-redis", "choose another"),
            ("serde", "user-streams-serde"),
            ("fn", "user-streams-fn"),
        ] {
            assert!(Names::new(name).expect_err(name).to_string().contains(advice), "{name}");
        }
        assert!(Names::new("user-streams-core").is_ok() && Names::new("a2-b3").is_ok());
    }

    #[test]
    fn no_name_of_the_fixture_remains() -> Result<()> {
        let names = Names::new("user-streams-mongo-db")?;
        for (file, text) in FILES.iter().chain(&[("Cargo.toml", MEMBER), ("Cargo.toml", ALONE)]) {
            let text = names.replace_in(text);
            for old in ["third", "ournal", "ANCHOR"] {
                assert!(!text.contains(old), "{file} has `{old}`");
            }
        }
        Ok(())
    }

    #[test]
    fn each_name_has_its_form_even_if_it_contains_the_old_one() -> Result<()> {
        let text =
            "third-party-backend third_party_backend journal:// JournalBackend\n// ANCHOR: x\n";
        let put = Names::new("user-streams-my-journal")?.replace_in(text);
        assert_eq!(
            put,
            "user-streams-my-journal user_streams_my_journal my-journal:// MyJournalBackend\n"
        );
        Ok(())
    }

    #[test]
    fn the_paths_of_a_crate_outside_are_valid_toml() -> Result<()> {
        let manifest: toml::Table = alone(Path::new("a \"b\" \\c")).parse()?;
        let core = manifest["dependencies"]["user-streams-core"]["path"].as_str();
        assert_eq!(core.map(Path::new), Some(Path::new("a \"b\" \\c/user-streams-core")));
        Ok(())
    }
}
