//! Runs every cell at once, and measures their processes.

use std::{
    collections::HashMap,
    fs,
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;
use tokio::{
    task::{JoinSet, spawn_blocking},
    time::{MissedTickBehavior, interval, sleep, timeout},
};
use user_streams_test_servers::{
    Kind, Profile, Server, concurrently,
    harness::{Cell, Engine, select},
    interrupt, start,
};

use super::{
    check::check,
    flags::SoakFlags,
    judge::{Measured, Sample},
    process::{Process, Usage},
    report::{self, Row},
    task::{Loaded, Task},
};
use crate::{
    inspector::{Inspector, inspector},
    store::{Features, Limits, Store, server_address},
};

/// How long a process may take for what is not the load: connecting, checking, closing.
const PATIENCE: Duration = Duration::from_secs(180);
/// How long a server may take to notice that a session is closed.
const CLOSING: Duration = Duration::from_secs(3);
/// Below this there are too few samples.
const MIN_MINUTES: f64 = 0.5;
const LIMITS: Limits = Limits {
    connections: 4,
    connect: Duration::from_secs(5),
    statement: Duration::from_secs(10),
    broadcast: Duration::from_secs(20),
};

/// A cell to soak: one of the matrix with a store, or the memory backend.
#[derive(Clone, Copy)]
struct Soaked {
    name: &'static str,
    cell: Option<Cell>,
}

/// Loads the selected cells, prints and saves the report, and returns whether all stayed flat.
pub(crate) async fn run(flags: &SoakFlags) -> Result<bool> {
    if flags.minutes < MIN_MINUTES {
        bail!("--minutes: at least {MIN_MINUTES}, for enough samples");
    }
    let load = Duration::try_from_secs_f64(flags.minutes * 60.0).context("--minutes")?;
    let seed = flags.seed.unwrap_or_else(|| fastrand::u64(..1_000_000));
    let mut cells = vec![Soaked { name: "memory", cell: None }];
    cells.extend(Cell::all().map(|cell| Soaked { name: cell.name, cell: Some(cell) }));
    let cells = select("cell", cells, &flags.cells, |cell| cell.name)?;
    let directory = TempDir::with_prefix("user-streams-soak-")?;
    let servers = servers(&cells).await?;
    println!("{} cells for {} minutes, seed {seed}", cells.len(), flags.minutes);

    let mut set = JoinSet::new();
    for (number, soaked) in cells.iter().copied().enumerate() {
        let store = soaked.cell.map(|cell| new_store(&cell, number, &servers, directory.path()));
        let task = Task { store: store.transpose()?, load, seed: seed.wrapping_add(number as u64) };
        let file = directory.path().join(format!("{number}.json"));
        set.spawn(async move { (number, soak(soaked.name, &task, &file).await) });
    }
    let mut rows: Vec<_> = cells.iter().map(|_| None).collect();
    while !set.is_empty() {
        tokio::select! {
            Some(done) = set.join_next() => {
                let (number, row) = done?;
                print(&row);
                rows[number] = Some(row);
            }
            () = sleep(Duration::from_millis(200)) => interrupt::check()?,
        }
    }
    spawn_blocking(move || drop(servers)).await?;
    let rows: Vec<_> = rows.into_iter().flatten().collect();
    println!("\n{}", report::table(&rows));
    if let Some(file) = &flags.save {
        let command = format!("cargo xtask soak --minutes {}", flags.minutes);
        let processors = thread::available_parallelism()?;
        report::save(file, &command, &format!("on {processors} processors, seed {seed}"), &rows)?;
        println!("saved in {}", file.display());
    }
    Ok(rows.iter().all(|row| row.problems.is_empty()))
}

fn print(row: &Row) {
    let calls: Vec<_> =
        row.tally.calls.iter().map(|(name, count)| format!("{count} × {name}")).collect();
    let verdict = if row.problems.is_empty() { "ok" } else { "FAILED" };
    println!("{verdict}: {}: {}", row.cell, calls.join(", "));
    row.problems.iter().for_each(|problem| println!("    {problem}"));
}

/// Starts one server for each database.
async fn servers(cells: &[Soaked]) -> Result<HashMap<Kind, Server>> {
    let kinds = cells.iter().filter_map(|soaked| soaked.cell?.engine.server());
    let mut kinds: Vec<_> = kinds.collect();
    kinds.dedup();
    kinds.sort_unstable();
    kinds.dedup();
    let started =
        spawn_blocking(move || concurrently(&kinds, |kind| start(kind, Profile::Crash))).await?;
    started.into_iter().map(|(kind, server)| Ok((kind, server?))).collect()
}

/// The store of a cell, on its server or in a file.
fn new_store(
    cell: &Cell,
    number: usize,
    servers: &HashMap<Kind, Server>,
    directory: &Path,
) -> Result<Store> {
    let table = format!("t{number}");
    let server_url = match cell.engine.server() {
        Some(kind) => servers.get(&kind).context("its server was not started")?.url.clone(),
        None => {
            format!("sqlite://{}?mode=rwc", directory.join(&table).with_extension("db").display())
        }
    };
    let mut store = Store {
        engine: cell.engine,
        layout: cell.layout,
        url: server_url.clone(),
        server_url,
        table,
        user: format!("f{number}"),
        text_ids: false,
        limits: LIMITS,
        features: Features::default(),
    };
    if cell.engine.is_sql_server() {
        store.url = store.user_url(server_address(&store.server_url)?, true);
    } else if cell.engine.is_redis() {
        store.url = store.server_url.replacen("://", &format!("://{}:any@", store.user), 1);
    }
    Ok(store)
}

/// How many sessions there may be: two handles, and the application's pool; for Redis each has two
/// connections to a server, and those of another runtime.
fn max_sessions(store: &Store) -> Result<usize> {
    Ok(match store.engine {
        Engine::Redis | Engine::RedisCluster => 3 * 2 * store.addresses()?.len() + 2,
        _ => 3 * LIMITS.connections as usize + 2,
    })
}

/// Runs the process of one cell to its end.
async fn soak(cell: &'static str, task: &Task, file: &Path) -> Row {
    let mut row =
        Row { cell, tally: super::task::Tally::default(), measured: None, problems: Vec::new() };
    if let Err(error) = observe(&mut row, task, file).await {
        row.problems.push(format!("{error:#}"));
    }
    row
}

async fn observe(row: &mut Row, task: &Task, file: &Path) -> Result<()> {
    let inspector: Option<Arc<dyn Inspector>> =
        task.store.as_ref().map(|store| Arc::from(inspector(store)));
    if let Some(inspector) = &inspector {
        inspector.create_user().await.context("cannot create the library's user")?;
    }
    fs::write(file, serde_json::to_string(task)?)?;
    let mut process = Process::start(file)?;
    let has_server = task.store.as_ref().is_some_and(|store| store.engine != Engine::Sqlite);
    let sessions = inspector.clone().filter(|_| has_server);

    next(&mut process, "started").await?;
    let started = process.usage()?;
    process.go_on().await?;
    next(&mut process, "connected").await?;
    process.go_on().await?;
    let (samples, line) = sample_until_loaded(&mut process, sessions.as_deref(), task.load).await?;
    let loaded: Loaded = serde_json::from_str(&line).context("the process printed something")?;
    row.tally = loaded.tally;
    row.problems.append(&mut row.tally.problems);
    if let Some(inspector) = &inspector {
        let snapshot = inspector.snapshot().await.context("cannot read what is stored")?;
        row.problems.extend(check(&loaded.expected, &snapshot).into_iter().take(8));
    }
    process.go_on().await?;
    next(&mut process, "closed").await?;
    let closed = closed(&process, sessions.as_deref(), &started).await?;
    process.go_on().await?;
    let max_sessions = task.store.as_ref().map(max_sessions).transpose()?.unwrap_or_default();
    let measured = Measured { started, samples, closed, max_sessions };
    row.problems.extend(measured.problems());
    row.measured = Some(measured);
    Ok(())
}

/// Waits until the process has reached a stage.
async fn next(process: &mut Process, stage: &str) -> Result<()> {
    let line = timeout(PATIENCE, process.line()).await;
    let line = line.with_context(|| format!("the process is not {stage}"))??;
    if line != stage {
        bail!("the process printed {line:?}");
    }
    Ok(())
}

/// Samples each second of the load; returns the line at its end.
async fn sample_until_loaded(
    process: &mut Process,
    sessions: Option<&dyn Inspector>,
    load: Duration,
) -> Result<(Vec<Sample>, String)> {
    let began = Instant::now();
    let mut samples = Vec::new();
    let mut seconds = interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            line = process.line() => return Ok((samples, line?)),
            _ = seconds.tick() => {}
        }
        if began.elapsed() < load {
            samples.push(sample(process, sessions).await?);
        } else if began.elapsed() > load + PATIENCE {
            bail!("the load did not end");
        }
    }
}

async fn sample(process: &Process, sessions: Option<&dyn Inspector>) -> Result<Sample> {
    let sessions = match sessions {
        Some(inspector) => Some(inspector.sessions(false).await?.all),
        None => None,
    };
    Ok(Sample { usage: process.usage()?, sessions })
}

/// Waits until the sessions have ended and the files are closed, or for [`CLOSING`].
async fn closed(
    process: &Process,
    sessions: Option<&dyn Inspector>,
    started: &Usage,
) -> Result<Sample> {
    let deadline = Instant::now() + CLOSING;
    loop {
        let sample = sample(process, sessions).await?;
        let is_closed = sample.sessions.unwrap_or_default() == 0
            && sample.usage.descriptors <= started.descriptors;
        if is_closed || Instant::now() > deadline {
            return Ok(sample);
        }
        sleep(Duration::from_millis(50)).await;
    }
}
