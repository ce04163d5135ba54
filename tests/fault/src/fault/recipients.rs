//! Streams of recipients stall after their first chunk.

use std::{
    sync::{Arc, Mutex},
    task::Poll,
    time::Duration,
};

use anyhow::Result;
use futures_util::{StreamExt, stream};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};
use user_streams_core::Recipients;

use super::{Fault, is_sql};
use crate::{
    cell::Engine,
    ledger::lock,
    load::Load,
    stage::{Limits, Options, Stage},
    tally::{TOLERANCE, Tally},
    trial::Trial,
};

/// The default of `recipients_timeout`.
const LIMIT: Duration = Duration::from_secs(5);
/// How long undoing what was written may take.
const UNDO: Duration = Duration::from_secs(1);
/// More than a chunk of text ids, and less than two.
const GIVEN: i64 = 15_000;

pub(super) const FAULT: Fault = Fault {
    name: "recipients",
    about: "as many streams of recipients as the pool has connections stall after their first \
        chunk, beside others that add and read",
    runs_on: is_sql,
    short: 1,
    long: 3,
    alone: false,
    weight: 2,
    run: |trial| Box::pin(run(trial)),
};

async fn run(trial: Trial) -> Result<Tally> {
    let mut rng = trial.rng();
    // Who waits behind the streams waits longer than they may stall.
    let limits = Limits {
        connections: 4,
        statement: Duration::from_secs(9),
        connect: Duration::from_secs(9),
        broadcast: Duration::from_secs(60),
    };
    let stage =
        Stage::open(&trial, Options { limits, text_ids: true, ..Options::default() }).await?;
    let watching = stage.watch();
    stage.expect_success();
    let load = Load::start(&stage, &mut rng, 8);
    sleep(Duration::from_millis(200)).await;
    // On SQLite one of them keeps all others from writing.
    let stalled = if trial.cell.engine == Engine::Sqlite { 1 } else { limits.connections };
    let mut set = JoinSet::new();
    for _ in 0..stalled {
        let stage = Arc::clone(&stage);
        set.spawn(async move { stall(&stage).await });
    }
    while let Some(done) = set.join_next().await {
        done?;
    }
    sleep(Duration::from_millis(300)).await;
    load.stop().await;
    let tally = stage.finish().await?;
    watching.await?;
    Ok(tally)
}

/// A broadcast whose recipients stop coming; it must end soon after.
async fn stall(stage: &Stage) {
    let item = stage.ledger.item(10_000..=110_000);
    stage.ledger.begin(item.number);
    let since: Arc<Mutex<Option<Instant>>> = Arc::default();
    let stalled = Arc::clone(&since);
    let place = stage.place.clone();
    let given = stream::iter(0..GIVEN).map(move |user| place.user_id(10_000 + user));
    let never = stream::poll_fn(move |_| {
        lock(&stalled).get_or_insert_with(Instant::now);
        Poll::<Option<_>>::Pending
    });
    let add =
        stage.streams.add_stream_item(Recipients::stream(given.chain(never)), item.new_item());
    let mut add = add.into_future();
    loop {
        let ended = tokio::time::timeout(Duration::from_millis(100), &mut add).await;
        let since = *lock(&since);
        let took = since.map_or(Duration::ZERO, |since| since.elapsed());
        let is_over = took > LIMIT + UNDO + TOLERANCE;
        if ended.is_err() && !is_over {
            continue;
        }
        let mut tally = lock(&stage.tally);
        tally.call(took, LIMIT + UNDO);
        if is_over {
            tally.over += 1;
            let state = if ended.is_ok() { "ended" } else { "still waits" };
            tally.problem(format!(
                "a broadcast {state} {:.1} s after its recipients stalled",
                took.as_secs_f64()
            ));
        }
        if let Ok(Ok(delivery)) = ended {
            tally.problem(format!(
                "a broadcast without its recipients delivered to {}",
                delivery.delivered
            ));
        }
        break;
    }
    stage.gave_up();
}
