//! `cargo xtask footprint`: what an application takes with one backend: crates and seconds to
//! compile, the size of its binary, the time from its start to the first page, and what a page and
//! an add allocate.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;
use user_streams_test_servers::{self as servers, Kind, Profile, interrupt, process};

use crate::{flags::Footprint, workspace};

/// A feature of the facade, the server that it needs, and what stands before the server's URL.
struct Backend {
    feature: &'static str,
    server: Option<Kind>,
    prefix: &'static str,
}

const BACKENDS: &[Backend] = &[
    Backend { feature: "single-table-sqlite", server: None, prefix: "single-table+" },
    Backend { feature: "many-to-many-sqlite", server: None, prefix: "many-to-many+" },
    Backend {
        feature: "single-table-postgres",
        server: Some(Kind::Postgres),
        prefix: "single-table+",
    },
    Backend { feature: "single-table-mysql", server: Some(Kind::Mysql), prefix: "single-table+" },
    Backend { feature: "redis", server: Some(Kind::Redis), prefix: "" },
];

/// How often the program is started.
const STARTS: usize = 21;

/// Compiles the smallest application with each backend, anew, and runs it.
pub(crate) fn run(flags: &Footprint) -> Result<()> {
    println!(
        "| feature | crates | seconds of a core to compile (of the clock) | binary | first page \
         | bytes (blocks) of a page | of an add |\n|---|---|---|---|---|---|---|"
    );
    for backend in BACKENDS {
        let is_named = flags.features.iter().any(|feature| feature == backend.feature);
        if is_named || flags.features.is_empty() {
            println!("{}", measure(backend)?);
        }
        interrupt::check()?;
    }
    Ok(())
}

/// A row of the table.
fn measure(backend: &Backend) -> Result<String> {
    // What is compiled already would count as nothing.
    let directory = TempDir::with_prefix("user-streams-footprint-")?;
    let (before, started) = (processor_seconds()?, Instant::now());
    build(directory.path(), backend.feature)?;
    let wall = started.elapsed().as_secs();
    let seconds = processor_seconds()?.saturating_sub(before);
    let program = directory.path().join("release/minimal");
    let mebibytes = program.metadata()?.len() as f64 / (1024.0 * 1024.0);

    let server = match backend.server {
        Some(kind) => Some(servers::provide(kind, Profile::Durable)?),
        None => None,
    };
    let url = match &server {
        Some(server) => server.url.clone(),
        None => format!("sqlite://{}?mode=rwc", directory.path().join("feeds.db").display()),
    };
    let url = format!("{}{url}", backend.prefix);
    output(Command::new(&program).args([&url, "prepare"]))?;
    let mut times = Vec::new();
    for _ in 0..STARTS {
        let started = Instant::now();
        output(Command::new(&program).arg(&url))?;
        times.push(started.elapsed());
    }
    times.sort_unstable();
    let first_page = milliseconds(times[STARTS / 2]);

    build(directory.path(), &format!("{},allocations", backend.feature))?;
    let allocated = output(Command::new(&program).args([&url, "allocations"]))?;
    let allocated: Vec<_> = allocated
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(bytes, blocks)| format!("{bytes} ({blocks})"))
        .collect();
    let [page, add] = &allocated[..] else { bail!("unexpected output: {allocated:?}") };
    let (feature, crates) = (backend.feature, crates(backend.feature)?);
    Ok(format!(
        "| `{feature}` | {crates} | {seconds} ({wall}) | {mebibytes:.1} MiB | {first_page} ms \
         | {page} | {add} |"
    ))
}

fn build(target: &Path, features: &str) -> Result<()> {
    let mut build = workspace::cargo();
    build.args(["build", "--quiet", "--release", "-p", "minimal", "--features", features]);
    build.args(["--config", "profile.release.strip=true"]).env("CARGO_TARGET_DIR", target);
    process::run(&mut build).context("the smallest application did not build")
}

/// How many crates are compiled for it, without itself.
fn crates(feature: &str) -> Result<usize> {
    let mut tree = workspace::cargo();
    tree.args(["tree", "-p", "minimal", "--features", feature, "--edges", "normal,build"]);
    let tree = output(tree.args(["--prefix", "none", "--format", "{p}"]))?;
    let crates: BTreeSet<_> = tree
        .lines()
        .filter_map(|line| line.trim_end_matches(" (*)").split_once(' '))
        .map(|(name, version)| (name, version.split(' ').next()))
        .collect();
    Ok(crates.len().saturating_sub(1))
}

/// What the processes that this one has waited for, and those that they have, have taken of the
/// processor. Unlike the clock's, these seconds do not depend on what else runs.
fn processor_seconds() -> Result<u64> {
    const TICKS_A_SECOND: u64 = 100;
    let stat = fs::read_to_string("/proc/self/stat").context("this needs /proc of Linux")?;
    // After the name, in parentheses, the 14th and the 15th field are `cutime` and `cstime`.
    let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
    let ticks: u64 = fields.skip(13).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Ok(ticks / TICKS_A_SECOND)
}

fn output(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot run {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?)
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1_000.0)
}
