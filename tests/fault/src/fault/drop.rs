//! Futures are dropped, after some polls or some time, while the server works.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Result;
use fastrand::Rng;
use tokio::{task::JoinSet, time::sleep};

use super::{Fault, everywhere};
use crate::{
    fixture::{Fixture, Options},
    load::Load,
    outcome::Outcome,
    partly::run_partly,
    trial::Trial,
};

/// The percentage of dropped calls that may cost a session, because they did not settle in time.
const UNSETTLED_PERCENT: u64 = 10;

pub(super) const FAULT: Fault = Fault {
    name: "drop",
    about: "the futures of adds and reads are dropped after a few polls or microseconds, on the \
        library's own pool and on an application's",
    runs_on: everywhere,
    short: 4,
    long: 170,
    exclusive: false,
    weight: 4,
    run: |trial| Box::pin(run(trial)),
};

async fn run(trial: Trial) -> Result<Outcome> {
    let mut rng = trial.rng();
    let variant = trial.variant(4);
    let application_pool = trial.cell.engine.is_sql() && variant >= 2;
    let fixture = Fixture::open(&trial, Options { application_pool, ..Options::default() }).await?;
    fixture.watch_sessions();
    let load = Load::start(&fixture, &mut rng, 4);
    sleep(Duration::from_millis(200)).await;
    fixture.expect_success();
    let dropped = Arc::new(AtomicU64::new(0));
    let each = trial.pick(30, 60);
    let mut set = JoinSet::new();
    for task in 0..16 {
        let (fixture, dropped, mut rng) = (Arc::clone(&fixture), Arc::clone(&dropped), rng.fork());
        set.spawn(async move {
            for _ in 0..each {
                if !dropped_call(&fixture, &mut rng, 2_000 + task, variant.is_multiple_of(2)).await
                {
                    fixture.abandoned_call();
                    dropped.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
    }
    while let Some(done) = set.join_next().await {
        done?;
    }
    load.stop().await;
    // The next callers get their own answers.
    let load = Load::start(&fixture, &mut rng, 16);
    sleep(Duration::from_millis(700)).await;
    load.stop().await;
    let mut outcome = fixture.finish().await?;
    let dropped = dropped.load(Ordering::Relaxed);
    let allowed =
        u64::from(fixture.store.limits.connections) + 2 + dropped * UNSETTLED_PERCENT / 100;
    if trial.cell.engine.is_sql_server() && outcome.opened_sessions > allowed {
        outcome.problem(format!(
            "{} sessions were opened for {dropped} dropped calls; the limit is {allowed}",
            outcome.opened_sessions
        ));
    }
    Ok(outcome)
}

/// A call that is dropped unless it ends before; returns whether it ended.
async fn dropped_call(fixture: &Fixture, rng: &mut Rng, user: i64, by_polls: bool) -> bool {
    let polls = rng.u32(1..8);
    let time = Duration::from_micros(rng.u64(..3_000));
    match rng.u32(..3) {
        kind @ (0 | 1) => {
            let item = match kind {
                0 => fixture.history.item(user..=user),
                _ => fixture.history.item(2_000..=2_000 + rng.i64(1..50)),
            };
            let add = fixture.start(&item).into_future();
            let Some(done) = run_partly(add, by_polls, polls, time).await else { return false };
            match done {
                Ok(delivery) => fixture.history.acknowledge(item.number, delivery.delivered),
                Err(error) => fixture.problem(format!("an add failed without a fault: {error}")),
            }
        }
        _ => {
            let items = fixture.streams.get_stream_items(fixture.store.user_id(user)).slice(..30);
            let read = async { items.await };
            let Some(done) = run_partly(Box::pin(read), by_polls, polls, time).await else {
                return false;
            };
            match done {
                Ok(page) => _ = fixture.check_page(user, &page),
                Err(error) => fixture.problem(format!("a read failed without a fault: {error}")),
            }
        }
    }
    true
}
