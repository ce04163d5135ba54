//! Measures programs in alternating rounds.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Result;
use indicatif::ProgressBar;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::program::Program;

/// The figures of a program, one per round.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Series {
    pub(crate) program: String,
    pub(crate) rounds: Vec<f64>,
}

/// The median and the quartiles.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Series {
    pub(crate) fn spread(&self) -> Spread {
        spread(self.rounds.clone())
    }

    /// This program's figures divided by the other's, round by round.
    pub(crate) fn ratio(&self, other: &Self) -> Spread {
        spread(self.rounds.iter().zip(&other.rounds).map(|(this, that)| this / that).collect())
    }
}

fn spread(mut values: Vec<f64>) -> Spread {
    values.sort_by(f64::total_cmp);
    let at = |part: f64| {
        let position = part * (values.len().saturating_sub(1)) as f64;
        let (low, high) = (values[position.floor() as usize], values[position.ceil() as usize]);
        low + (high - low) * position.fract()
    };
    if values.is_empty() {
        return Spread { median: f64::NAN, low: f64::NAN, high: f64::NAN };
    }
    Spread { median: at(0.5), low: at(0.25), high: at(0.75) }
}

/// The milliseconds of each operation, by program.
#[derive(Clone, Default)]
pub(crate) struct Latencies(Arc<Mutex<BTreeMap<&'static str, Vec<f64>>>>);

impl Latencies {
    /// Notes an operation that has ended now.
    pub(crate) fn note(&self, program: &'static str, started: Instant) {
        let took = started.elapsed().as_secs_f64() * 1_000.0;
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(program).or_default().push(took);
    }

    /// How long this part of each program's operations took at most.
    pub(crate) fn series(&self, programs: &[Arc<dyn Program>], part: f64) -> Vec<Series> {
        let latencies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let series = |program: &Arc<dyn Program>| {
            let mut all = latencies.get(program.name()).cloned().unwrap_or_default();
            all.sort_by(f64::total_cmp);
            let at = (part * all.len().saturating_sub(1) as f64) as usize;
            Series {
                program: program.name().to_owned(),
                rounds: vec![all.get(at).copied().unwrap_or(f64::NAN)],
            }
        };
        programs.iter().map(series).collect()
    }
}

/// Measures the programs in alternating rounds: see [`alternate_cases`].
pub(crate) async fn alternate<F>(
    bar: &ProgressBar,
    programs: &[Arc<dyn Program>],
    rounds: usize,
    round: impl FnMut(Arc<dyn Program>) -> F,
) -> Result<Vec<Series>>
where
    F: Future<Output = Result<f64>>,
{
    let cases: Vec<_> = programs.iter().map(|it| (it.name().to_owned(), Arc::clone(it))).collect();
    alternate_cases(bar, &cases, rounds, round).await
}

/// Measures named cases in alternating rounds: one to warm up, then `rounds` that count. The order
/// is random in each round, so that no case always follows the same other one.
pub(crate) async fn alternate_cases<C, F>(
    bar: &ProgressBar,
    cases: &[(String, C)],
    rounds: usize,
    mut round: impl FnMut(C) -> F,
) -> Result<Vec<Series>>
where
    C: Clone,
    F: Future<Output = Result<f64>>,
{
    let mut series: Vec<_> = cases
        .iter()
        .map(|(name, _)| Series { program: name.clone(), rounds: Vec::new() })
        .collect();
    bar.set_length(((rounds + 1) * cases.len()) as u64);
    bar.set_position(0);
    let mut order: Vec<_> = (0..cases.len()).collect();
    for number in 0..=rounds {
        fastrand::shuffle(&mut order);
        for &at in &order {
            let figure = round(cases[at].1.clone()).await?;
            if number > 0 {
                series[at].rounds.push(figure);
            }
            bar.inc(1);
        }
    }
    Ok(series)
}

/// How many times per second this many concurrent tasks complete `work`.
pub(crate) async fn rate<F>(
    tasks: usize,
    duration: Duration,
    work: impl Fn() -> F + Clone + Send + 'static,
) -> Result<f64>
where
    F: Future<Output = Result<()>> + Send,
{
    let started = Instant::now();
    let running: Vec<_> = (0..tasks)
        .map(|_| {
            let work = work.clone();
            tokio::spawn(async move {
                let mut done = 0_u64;
                while started.elapsed() < duration {
                    work().await?;
                    done += 1;
                }
                anyhow::Ok(done)
            })
        })
        .collect();
    let mut done = 0;
    for task in running {
        done += task.await??;
    }
    Ok(done as f64 / started.elapsed().as_secs_f64())
}

/// How late a task is at most that is to run every millisecond, in 99 of 100 times and in
/// milliseconds.
pub(crate) async fn lateness(duration: Duration) -> Result<f64> {
    tokio::spawn(async move {
        let (end, mut late) = (Instant::now() + duration, Vec::new());
        while Instant::now() < end {
            let due = Instant::now() + Duration::from_millis(1);
            tokio::time::sleep_until(due).await;
            late.push(due.elapsed().as_secs_f64() * 1_000.0);
        }
        late.sort_by(f64::total_cmp);
        Ok(late.get(late.len() * 99 / 100).copied().unwrap_or(f64::NAN))
    })
    .await?
}
