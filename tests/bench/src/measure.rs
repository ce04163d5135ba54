//! Rounds in which the sides take turns, and what comes out of them.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use indicatif::ProgressBar;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::side::Side;

/// The figures of one side, one a round.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Lane {
    pub(crate) side: String,
    pub(crate) rounds: Vec<f64>,
}

/// A middle and what lies around it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Lane {
    pub(crate) fn spread(&self) -> Spread {
        spread(self.rounds.clone())
    }

    /// This side's figure in units of the other's, round by round.
    pub(crate) fn ratio(&self, other: &Self) -> Spread {
        spread(self.rounds.iter().zip(&other.rounds).map(|(this, that)| this / that).collect())
    }
}

/// The median, and the quartiles.
fn spread(mut values: Vec<f64>) -> Spread {
    values.sort_by(f64::total_cmp);
    let at = |part: f64| {
        let place = part * (values.len().saturating_sub(1)) as f64;
        let (low, high) = (values[place.floor() as usize], values[place.ceil() as usize]);
        low + (high - low) * place.fract()
    };
    if values.is_empty() {
        return Spread { median: f64::NAN, low: f64::NAN, high: f64::NAN };
    }
    Spread { median: at(0.5), low: at(0.25), high: at(0.75) }
}

/// Lets the sides take turns: one round each that does not count, then `rounds` that do. Their
/// order is another in each round, so that no side always has the server, or the disk, that the
/// same other one has warmed up or tired out.
pub(crate) async fn in_turns<F>(
    bar: &ProgressBar,
    sides: &[Arc<dyn Side>],
    rounds: usize,
    mut round: impl FnMut(Arc<dyn Side>) -> F,
) -> Result<Vec<Lane>>
where
    F: Future<Output = Result<f64>>,
{
    let mut lanes: Vec<_> = sides
        .iter()
        .map(|side| Lane { side: side.name().to_owned(), rounds: Vec::new() })
        .collect();
    bar.set_length(((rounds + 1) * sides.len()) as u64);
    bar.set_position(0);
    let mut order: Vec<_> = (0..sides.len()).collect();
    for number in 0..=rounds {
        fastrand::shuffle(&mut order);
        for &at in &order {
            let figure = round(Arc::clone(&sides[at])).await?;
            if number > 0 {
                lanes[at].rounds.push(figure);
            }
            bar.inc(1);
        }
    }
    Ok(lanes)
}

/// How often a second `work` can be done by this many tasks at once, each doing it again and again.
pub(crate) async fn rate<F>(
    tasks: usize,
    duration: Duration,
    work: impl Fn() -> F + Clone + Send + 'static,
) -> Result<f64>
where
    F: Future<Output = Result<()>> + Send,
{
    let started = Instant::now();
    let many: Vec<_> = (0..tasks)
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
    for task in many {
        done += task.await??;
    }
    Ok(done as f64 / started.elapsed().as_secs_f64())
}
