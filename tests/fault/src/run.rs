//! Runs the trials of all cells and faults, concurrently where they cannot disturb each other.

use std::{
    io::{self, IsTerminal},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use futures_util::FutureExt;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tempfile::TempDir;
use tokio::{
    sync::{RwLock, Semaphore},
    task::{JoinSet, spawn_blocking},
    time::{sleep, timeout},
};
use user_streams_test_servers::{
    Profile,
    harness::{Cell, Engine},
    interrupt, start,
};

use crate::{
    fault::{self, Fault},
    flags::Flags,
    outcome::Outcome,
    panic,
    pgbouncer::PgBouncer,
    report::Report,
    sync::lock,
    trial::{SharedServer, Trial},
};

const TRIAL_TIMEOUT: Duration = Duration::from_secs(150);

/// A trial that has not started.
struct Planned {
    fault: &'static Fault,
    trial: Trial,
    /// Held by the trials on one server; exclusively by one that disturbs others.
    access: Arc<RwLock<()>>,
}

/// Runs the selected trials, prints and saves the report, and returns whether every trial passed.
pub(crate) async fn run(flags: &Flags) -> Result<bool> {
    let began = Instant::now();
    let mut cells = flags.cells.cells(|_| true)?;
    if flags.pooler.is_some() {
        cells.retain(|cell| cell.engine == Engine::Postgres);
    }
    let mut faults = fault::select(&flags.faults)?;
    if flags.pooler.as_deref() == Some("transaction") {
        // It needs a pool of the application's, which does not work behind this mode.
        faults.retain(|fault| fault.name != "transaction");
    }
    let seed = flags.seed.unwrap_or_else(|| fastrand::u64(..1_000_000));
    let directory = TempDir::with_prefix("user-streams-fault-")?;
    let servers = servers(&cells).await?;
    let poolers = poolers(&servers, flags.pooler.as_deref())?;
    let mut planned = Vec::new();
    for ((cell, server), pooler) in cells.iter().zip(&servers).zip(&poolers) {
        let access = Arc::new(RwLock::new(()));
        for fault in faults.iter().copied().filter(|fault| (fault.runs_on)(*cell)) {
            let trials = flags.trials.unwrap_or(if flags.long { fault.long } else { fault.short });
            for number in 0..trials {
                let url = server.as_ref().map(|server| lock(server).url.clone());
                let trial = Trial {
                    cell: *cell,
                    server: server.clone(),
                    url,
                    pooler: pooler.clone(),
                    directory: directory.path().to_owned(),
                    seed: seed.wrapping_add(number),
                    long: flags.long,
                    without: flags.without.clone(),
                };
                planned.push(Planned { fault, trial, access: Arc::clone(&access) });
            }
        }
    }
    if planned.is_empty() {
        bail!("none of these faults can be injected into these cells");
    }
    println!("{} trials, from seed {seed}", planned.len());

    let report = Arc::new(Mutex::new(Report::new(&cells, &faults)));
    let bar = bar(planned.len())?;
    let jobs = flags.jobs.max(1);
    let permits = Arc::new(Semaphore::new(jobs as usize));
    let mut set = JoinSet::new();
    for Planned { fault, trial, access } in planned {
        let (permits, report, bar) = (Arc::clone(&permits), Arc::clone(&report), bar.clone());
        set.spawn(async move {
            // The lock is fair: an exclusive trial does not starve.
            let shared = if fault.exclusive { None } else { Some(access.read().await) };
            let exclusive = if fault.exclusive { Some(access.write().await) } else { None };
            let Ok(_permit) = permits.acquire_many(fault.weight.min(jobs)).await else { return };
            let outcome = run_trial(fault, &trial).await;
            drop((shared, exclusive));
            record(fault, &trial, &outcome, &report, &bar);
        });
    }
    let mut interrupted = false;
    while !set.is_empty() {
        tokio::select! {
            Some(done) = set.join_next() => done?,
            () = sleep(Duration::from_millis(200)) => {
                if interrupt::happened() && !interrupted {
                    interrupted = true;
                    set.abort_all();
                }
            }
        }
        if interrupted {
            break;
        }
    }
    set.shutdown().await;
    bar.finish_and_clear();
    interrupt::check()?;
    spawn_blocking(move || drop(servers)).await?;
    let report = lock(&report);
    println!("\n{}", report.table());
    // Again, since a log is read from its end.
    for failure in report.failures() {
        println!("{failure}");
    }
    println!("{} in {:.0} s", report.summary(), began.elapsed().as_secs_f64());
    if let Some(file) = &flags.save {
        report.save(file, flags)?;
        println!("saved in {}", file.display());
    }
    Ok(report.passed())
}

/// Starts a server for each cell, so that a paused one does not stop the others.
async fn servers(cells: &[Cell]) -> Result<Vec<Option<SharedServer>>> {
    let mut starting = Vec::new();
    for cell in cells {
        let kind = cell.engine.server();
        starting.push(spawn_blocking(move || {
            kind.map(|kind| start(kind, Profile::Crash).map(|server| Arc::new(Mutex::new(server))))
                .transpose()
        }));
    }
    let mut servers = Vec::new();
    for server in starting {
        servers.push(server.await?);
    }
    servers.into_iter().collect()
}

/// Starts PgBouncer before each server, if a mode is given.
fn poolers(
    servers: &[Option<SharedServer>],
    mode: Option<&str>,
) -> Result<Vec<Option<Arc<PgBouncer>>>> {
    let start = |server: &Option<SharedServer>| match (server, mode) {
        (Some(server), Some(mode)) => {
            PgBouncer::start(&lock(server).url, mode).map(Arc::new).map(Some)
        }
        _ => Ok(None),
    };
    servers.iter().map(start).collect()
}

/// Runs a trial to its end, even if it fails, panics or hangs.
async fn run_trial(fault: &Fault, trial: &Trial) -> Outcome {
    let running = std::panic::AssertUnwindSafe((fault.run)(trial.clone())).catch_unwind();
    let problem = match timeout(TRIAL_TIMEOUT, running).await {
        Ok(Ok(Ok(outcome))) => return outcome,
        Ok(Ok(Err(error))) => format!("the trial failed: {error:#}"),
        Ok(Err(payload)) => format!("the trial panicked: {}", panic::message(&*payload)),
        Err(_) => format!("the trial did not end within {} s", TRIAL_TIMEOUT.as_secs()),
    };
    // The next trial needs a running server.
    if trial.server.is_some() {
        _ = trial.on_server(|server| server.resume().and_then(|()| server.restart())).await;
    }
    Outcome { problems: vec![problem], ..Outcome::default() }
}

/// Prints a finished trial and adds it to the report.
fn record(
    fault: &Fault,
    trial: &Trial,
    outcome: &Outcome,
    report: &Mutex<Report>,
    bar: &ProgressBar,
) {
    let name = format!("{} on {}", fault.name, trial.cell.name);
    if !outcome.problems.is_empty() {
        let text = failure(&name, fault, trial, &outcome.problems);
        bar.suspend(|| println!("{text}"));
        lock(report).failed(text);
    }
    if outcome.problems.is_empty() && bar.is_hidden() {
        println!("ok: {name}, seed {}", trial.seed);
    }
    lock(report).add(fault, &trial.cell, outcome);
    bar.inc(1);
    bar.set_message(name);
}

/// What is wrong with a trial, and how to repeat it.
fn failure(name: &str, fault: &Fault, trial: &Trial, problems: &[String]) -> String {
    let mut lines = vec![format!("FAILED: {name}, seed {}", trial.seed)];
    lines.extend(problems.iter().map(|problem| format!("    {problem}")));
    let mut line = format!(
        "    to repeat: cargo xtask fault --cell {} --fault {} --seed {} --trials 1",
        trial.cell.name, fault.name, trial.seed
    );
    if trial.long {
        line += " --long";
    }
    if let Some(pgbouncer) = &trial.pooler {
        line += &format!(" --pooler {}", pgbouncer.mode);
    }
    for mechanism in &trial.without {
        line += &format!(" --without {mechanism}");
    }
    lines.push(line);
    lines.join("\n")
}

/// A progress bar on a terminal; elsewhere each trial prints a line.
fn bar(trials: usize) -> Result<ProgressBar> {
    let target = match io::stderr().is_terminal() {
        true => ProgressDrawTarget::stderr(),
        false => ProgressDrawTarget::hidden(),
    };
    let style = ProgressStyle::with_template("{elapsed_precise} {bar:30} {pos:>4}/{len:4} {msg}")?;
    let bar = ProgressBar::with_draw_target(Some(trials as u64), target).with_style(style);
    bar.enable_steady_tick(Duration::from_millis(200));
    Ok(bar)
}
