//! Futures are dropped, after some polls or some time, on a server that is well.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use anyhow::Result;
use fastrand::Rng;
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{Fault, everywhere};
use crate::{
    load::Load,
    stage::{Options, Stage},
    tally::Tally,
    trial::Trial,
};

/// How many calls of a hundred that are dropped may cost a session: those that did not settle in
/// time.
const UNSETTLED: u64 = 10;

pub(super) const FAULT: Fault = Fault {
    name: "drop",
    about: "the futures of adds and reads are dropped after some polls or some microseconds, on \
        the library's own pool and on an application's",
    runs_on: everywhere,
    short: 4,
    long: 170,
    alone: false,
    weight: 4,
    run: |trial| Box::pin(run(trial)),
};

async fn run(trial: Trial) -> Result<Tally> {
    let mut rng = trial.rng();
    let variant = trial.variant(4);
    let over_a_pool = trial.cell.engine.is_sql() && variant >= 2;
    let stage = Stage::open(&trial, Options { over_a_pool, ..Options::default() }).await?;
    let watching = stage.watch();
    let load = Load::start(&stage, &mut rng, 4);
    sleep(Duration::from_millis(200)).await;
    // The server is well all the time.
    stage.expect_success();
    let dropped = Arc::new(AtomicU64::new(0));
    let each = trial.pick(30, 60);
    let mut set = JoinSet::new();
    for task in 0..16 {
        let (stage, dropped, mut rng) = (Arc::clone(&stage), Arc::clone(&dropped), rng.fork());
        set.spawn(async move {
            for _ in 0..each {
                if !one(&stage, &mut rng, 2_000 + task, variant.is_multiple_of(2)).await {
                    stage.gave_up();
                    dropped.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
    }
    while let Some(done) = set.join_next().await {
        done?;
    }
    load.stop().await;
    // Whoever comes next gets answers, and each his own.
    let load = Load::start(&stage, &mut rng, 16);
    sleep(Duration::from_millis(700)).await;
    load.stop().await;
    let mut tally = stage.finish().await?;
    let dropped = dropped.load(Ordering::Relaxed);
    let allowed = u64::from(stage.place.limits.connections) + 2 + dropped * UNSETTLED / 100;
    if trial.cell.engine.is_sql_server() && tally.opened > allowed {
        tally.problem(format!(
            "{} sessions were opened for {dropped} dropped calls; {allowed} are enough",
            tally.opened
        ));
    }
    watching.await?;
    Ok(tally)
}

/// A call that is dropped, unless it is faster: then it tells that it has ended.
async fn one(stage: &Stage, rng: &mut Rng, user: i64, by_polls: bool) -> bool {
    let polls = rng.u32(1..8);
    let time = Duration::from_micros(rng.u64(..3_000));
    match rng.u32(..3) {
        0 => {
            let item = stage.ledger.item(user..=user);
            let Some(done) = part(stage.start(&item).into_future(), by_polls, polls, time).await
            else {
                return false;
            };
            note(stage, item.number, done.map(|delivery| delivery.delivered));
        }
        1 => {
            let item = stage.ledger.item(2_000..=2_000 + rng.i64(1..50));
            let Some(done) = part(stage.start(&item).into_future(), by_polls, polls, time).await
            else {
                return false;
            };
            note(stage, item.number, done.map(|delivery| delivery.delivered));
        }
        _ => {
            let items = stage.streams.get_stream_items(stage.place.user_id(user)).slice(..30);
            let read = async { items.await };
            let Some(done) = part(Box::pin(read), by_polls, polls, time).await else {
                return false;
            };
            match done {
                Ok(page) => _ = stage.check(user, &page),
                Err(error) => {
                    stage.problem(format!("a read failed on a server that is well: {error}"))
                }
            }
        }
    }
    true
}

fn note(stage: &Stage, number: u64, done: user_streams_core::Result<u64>) {
    match done {
        Ok(delivered) => stage.ledger.acknowledge(number, delivered),
        Err(error) => stage.problem(format!("an add failed on a server that is well: {error}")),
    }
}

/// A part of a future: so many polls of it, or so much time.
pub(super) async fn part<F: Future + Unpin>(
    future: F,
    by_polls: bool,
    polls: u32,
    time: Duration,
) -> Option<F::Output> {
    if by_polls { Polls { future, left: polls }.await } else { timeout(time, future).await.ok() }
}

/// Polls a future so often, each time that it is woken.
struct Polls<F> {
    future: F,
    left: u32,
}

impl<F: Future + Unpin> Future for Polls<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match Pin::new(&mut self.future).poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending => {
                self.left = self.left.saturating_sub(1);
                if self.left == 0 { Poll::Ready(None) } else { Poll::Pending }
            }
        }
    }
}
