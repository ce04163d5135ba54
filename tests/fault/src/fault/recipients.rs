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
use user_streams_test_servers::harness::Engine;

use super::{Fault, is_sql};
use crate::{
    fixture::{Fixture, Options},
    load::Load,
    outcome::{Outcome, TOLERANCE},
    store::Limits,
    sync::lock,
    trial::Trial,
};

/// The default of `recipients_timeout`.
const LIMIT: Duration = Duration::from_secs(5);
/// How long the rollback may take.
const ROLLBACK: Duration = Duration::from_secs(1);
/// More than one chunk of text ids, and less than two.
const RECIPIENTS_BEFORE_STALL: i64 = 15_000;

pub(super) const FAULT: Fault = Fault {
    name: "recipients",
    about: "as many streams of recipients as the pool has connections stall after their first \
        chunk, while other tasks add and read",
    runs_on: is_sql,
    short: 1,
    long: 3,
    exclusive: false,
    weight: 2,
    run: |trial| Box::pin(run(trial)),
};

async fn run(trial: Trial) -> Result<Outcome> {
    let mut rng = trial.rng();
    // Callers that wait for a connection must outwait the stalled streams.
    let limits = Limits {
        connections: 4,
        statement: Duration::from_secs(9),
        connect: Duration::from_secs(9),
        broadcast: Duration::from_secs(60),
    };
    let fixture =
        Fixture::open(&trial, Options { limits, text_ids: true, ..Options::default() }).await?;
    fixture.watch_sessions();
    fixture.expect_success();
    let load = Load::start(&fixture, &mut rng, 8);
    sleep(Duration::from_millis(200)).await;
    // SQLite has one writer: a stalled one blocks all others.
    let stalled = if trial.cell.engine == Engine::Sqlite { 1 } else { limits.connections };
    let mut set = JoinSet::new();
    for _ in 0..stalled {
        let fixture = Arc::clone(&fixture);
        set.spawn(async move { stall(&fixture).await });
    }
    while let Some(done) = set.join_next().await {
        done?;
    }
    sleep(Duration::from_millis(300)).await;
    load.stop().await;
    fixture.finish().await
}

/// A broadcast whose stream of recipients stalls; it must fail soon after.
async fn stall(fixture: &Fixture) {
    let item = fixture.history.item(10_000..=110_000);
    fixture.history.begin(item.number);
    let since: Arc<Mutex<Option<Instant>>> = Arc::default();
    let stalled = Arc::clone(&since);
    let store = fixture.store.clone();
    let given =
        stream::iter(0..RECIPIENTS_BEFORE_STALL).map(move |user| store.user_id(10_000 + user));
    let never = stream::poll_fn(move |_| {
        lock(&stalled).get_or_insert_with(Instant::now);
        Poll::<Option<_>>::Pending
    });
    let add =
        fixture.streams.add_stream_item(Recipients::stream(given.chain(never)), item.new_item());
    let mut add = add.into_future();
    loop {
        let ended = tokio::time::timeout(Duration::from_millis(100), &mut add).await;
        let since = *lock(&since);
        let took = since.map_or(Duration::ZERO, |since| since.elapsed());
        let is_over = took > LIMIT + ROLLBACK + TOLERANCE;
        if ended.is_err() && !is_over {
            continue;
        }
        let mut outcome = lock(&fixture.outcome);
        outcome.call(took, LIMIT + ROLLBACK);
        if is_over {
            outcome.over_bound += 1;
            let state = if ended.is_ok() { "ended" } else { "still waits" };
            outcome.problem(format!(
                "a broadcast {state} {:.1} s after its recipients stalled",
                took.as_secs_f64()
            ));
        }
        if let Ok(Ok(delivery)) = ended {
            outcome.problem(format!(
                "a broadcast with stalled recipients succeeded, with {} deliveries",
                delivery.delivered
            ));
        }
        break;
    }
    fixture.abandoned_call();
}
