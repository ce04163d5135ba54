//! Runs the fuzz targets and prints a table; `cargo xtask fuzz` builds and runs this.

mod flags;
mod report;

use std::{
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use clap::Parser;
use flags::Flags;
use user_streams_fuzz::{Target, run, targets};

fn main() -> ExitCode {
    match start(&Flags::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Whether every property held.
fn start(flags: &Flags) -> Result<bool> {
    let targets = chosen(&flags.targets)?;
    if flags.list {
        targets.iter().for_each(|target| println!("{}", target.name()));
        return Ok(true);
    }
    if let Some(directory) = &flags.export {
        report::export(&targets, directory)?;
        return Ok(true);
    }
    run::quiet_panics();
    if let Some(file) = &flags.input {
        let [target] = &targets[..] else { bail!("name one target with --target") };
        let input = std::fs::read(file).with_context(|| file.display().to_string())?;
        let result = run::check(target, &input);
        println!("{result:?}");
        return Ok(result.is_ok());
    }
    Ok(run_all(flags, &targets))
}

fn chosen(names: &[String]) -> Result<Vec<Target>> {
    let all = targets::all();
    for name in names {
        if !all.iter().any(|target| is_named(target, name)) {
            bail!("there is no target {name}; see --list");
        }
    }
    let is_chosen =
        |target: &Target| names.is_empty() || names.iter().any(|name| is_named(target, name));
    Ok(all.into_iter().filter(is_chosen).collect())
}

/// `url` names each `url/…` too.
fn is_named(target: &Target, name: &str) -> bool {
    target.name().strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Runs the targets on so many threads, and prints each one's row when it is done.
fn run_all(flags: &Flags, targets: &[Target]) -> bool {
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<_>> = Mutex::new(targets.iter().map(|_| None).collect());
    let work = || {
        while let Some((at, target)) =
            Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, targets.get(at)?)))
        {
            let until = flags.minutes.map(|minutes| {
                Instant::now() + Duration::from_secs_f64((minutes * 60.0).clamp(0.0, 1e9))
            });
            let result = run::run(target, flags.seed, flags.inputs(), until);
            eprintln!("{}", report::line(target, flags.seed, &result));
            let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
            results[at] = Some(result);
        }
    };
    thread::scope(|scope| (0..flags.jobs()).for_each(|_| drop(scope.spawn(work))));
    let results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    let results: Vec<_> = targets
        .iter()
        .zip(results)
        .filter_map(|(target, result)| Some((target, result?)))
        .collect();
    println!("{}", report::table(&results, flags.seed));
    results.iter().all(|(_, result)| result.is_ok())
}
