//! All cells and faults: at once where trials cannot disturb each other.

use std::{
    collections::BTreeMap,
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
use user_streams_test_servers::{Profile, interrupt, start};

use crate::{
    cell::{self, Cell, Engine},
    fault::{self, Fault},
    flags::Flags,
    front::Front,
    ledger::lock,
    report::Report,
    stage::panic_message,
    tally::Tally,
    trial::{Shared, Trial},
};

/// How many trials run at once: most of their time they wait.
const AT_ONCE: usize = 16;
/// How long a trial may take at all.
const PATIENCE: Duration = Duration::from_secs(150);

/// A trial that is to come.
struct Planned {
    fault: &'static Fault,
    trial: Trial,
    /// The trials of one server: one that disturbs it is alone.
    alone: Arc<RwLock<()>>,
}

/// Runs what the flags ask for, shows and saves the table, and tells whether every trial has
/// passed.
pub(crate) async fn run(flags: &Flags) -> Result<bool> {
    let began = Instant::now();
    let mut cells = cell::named(&flags.cells)?;
    if flags.pooler.is_some() {
        cells.retain(|cell| cell.engine == Engine::Postgres);
    }
    let mut faults = fault::named(&flags.faults)?;
    if flags.pooler.as_deref() == Some("transaction") {
        // Of an application's own pool alone.
        faults.retain(|fault| fault.name != "transaction");
    }
    let seed = flags.seed.unwrap_or_else(|| fastrand::u64(..1_000_000));
    let directory = TempDir::with_prefix("user-streams-fault-")?;
    let servers = servers(&cells).await?;
    let poolers = poolers(&servers, flags.pooler.as_deref())?;
    let mut planned = Vec::new();
    for ((cell, server), pooler) in cells.iter().zip(&servers).zip(&poolers) {
        let alone = Arc::new(RwLock::new(()));
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
                planned.push(Planned { fault, trial, alone: Arc::clone(&alone) });
            }
        }
    }
    if planned.is_empty() {
        bail!("none of these faults is for one of these cells");
    }
    println!("{} trials, from seed {seed}", planned.len());

    let report = Arc::new(Mutex::new(Report::new(&cells, &faults)));
    let bar = bar(planned.len())?;
    let permits = Arc::new(Semaphore::new(AT_ONCE));
    let mut set = JoinSet::new();
    for Planned { fault, trial, alone } in planned {
        let (permits, report, bar) = (Arc::clone(&permits), Arc::clone(&report), bar.clone());
        set.spawn(async move {
            // Ours is fair: who needs the server alone gets it in turn.
            let shared = if fault.alone { None } else { Some(alone.read().await) };
            let exclusive = if fault.alone { Some(alone.write().await) } else { None };
            let Ok(_permit) = permits.acquire_many(fault.weight).await else { return };
            let tally = one(fault, &trial).await;
            drop((shared, exclusive));
            note(fault, &trial, &tally, &report, &bar);
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
    println!("\n{}", report.text());
    println!("{} in {:.0} s", report.summary(), began.elapsed().as_secs_f64());
    if let Some(file) = &flags.save {
        report.save(file, flags.long)?;
        println!("saved in {}", file.display());
    }
    Ok(report.passed())
}

/// A server for each cell: one that is paused must not stop another cell.
async fn servers(cells: &[Cell]) -> Result<Vec<Option<Shared>>> {
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

/// A pooler before each of the servers, if there is to be one.
fn poolers(servers: &[Option<Shared>], mode: Option<&str>) -> Result<Vec<Option<Arc<Front>>>> {
    let start = |server: &Option<Shared>| match (server, mode) {
        (Some(server), Some(mode)) => Front::start(&lock(server).url, mode).map(Arc::new).map(Some),
        _ => Ok(None),
    };
    servers.iter().map(start).collect()
}

/// Runs a trial to its end, whatever becomes of it.
async fn one(fault: &Fault, trial: &Trial) -> Tally {
    let running = std::panic::AssertUnwindSafe((fault.run)(trial.clone())).catch_unwind();
    let problem = match timeout(PATIENCE, running).await {
        Ok(Ok(Ok(tally))) => return tally,
        Ok(Ok(Err(error))) => format!("the trial broke off: {error:#}"),
        Ok(Err(panic)) => format!("the trial panicked: {}", panic_message(&*panic)),
        Err(_) => format!("the trial did not end within {} s", PATIENCE.as_secs()),
    };
    // What it left behind must not spoil the next.
    if trial.server.is_some() {
        _ = trial.on_server(|server| server.resume().and_then(|()| server.restart())).await;
    }
    Tally { problems: vec![problem], ..Tally::default() }
}

/// Tells how a trial has ended.
fn note(fault: &Fault, trial: &Trial, tally: &Tally, report: &Mutex<Report>, bar: &ProgressBar) {
    let name = format!("{} on {}", fault.name, trial.cell.name);
    if !tally.problems.is_empty() {
        let mut lines = vec![format!("FAILED: {name}, seed {}", trial.seed)];
        lines.extend(tally.problems.iter().map(|problem| format!("    {problem}")));
        let mut line = format!(
            "    again: cargo xtask fault --cell {} --fault {} --seed {} --trials 1",
            trial.cell.name, fault.name, trial.seed
        );
        if trial.long {
            line += " --long";
        }
        if let Some(front) = &trial.pooler {
            line += &format!(" --pooler {}", front.mode);
        }
        for mechanism in &trial.without {
            line += &format!(" --without {mechanism}");
        }
        lines.push(line);
        bar.suspend(|| println!("{}", lines.join("\n")));
    }
    if tally.problems.is_empty() && bar.is_hidden() {
        println!("ok: {name}, seed {}", trial.seed);
    }
    lock(report).add(fault, &trial.cell, tally);
    bar.inc(1);
    bar.set_message(name);
}

/// On a terminal; elsewhere each trial is a line.
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

/// The figures of each fault on each cell.
pub(crate) type Figures = BTreeMap<(usize, usize), Tally>;
