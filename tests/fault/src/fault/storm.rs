//! Connecting takes long, and nobody has the patience.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Result;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use super::{Fault, is_sql_server};
use crate::{
    ledger::lock,
    proxy::Fate,
    stage::{Limits, Options, Stage},
    tally::Tally,
    trial::Trial,
};

const TASKS: u64 = 64;
const PATIENCE: Duration = Duration::from_millis(20);
const CONNECT: Duration = Duration::from_millis(50);
/// Behind a pooler a call is four exchanges: so many connections answer fewer, and later.
const EXCHANGES: u32 = 4;
/// How long a call may take once the storm is over.
const AFTERWARDS: Duration = Duration::from_millis(200);
/// How many sessions may be opened besides those that the pool has: connections that were replaced.
const SPARE: u64 = 12;

pub(super) const FAULT: Fault = Fault {
    name: "storm",
    about: "a connection takes 50 ms to be made, with TLS or without, and 64 tasks give up after \
        20 ms each",
    runs_on: is_sql_server,
    short: 2,
    long: 2,
    // Without a limit it is too much for the server.
    alone: true,
    weight: 8,
    run: |trial| Box::pin(run(trial)),
};

async fn run(trial: Trial) -> Result<Tally> {
    let limits = Limits { connections: 4, ..Limits::default() };
    let stage =
        Stage::open(&trial, Options { limits, tls: trial.variant(2) == 1, ..Options::default() })
            .await?;
    let watching = stage.watch();
    let proxy = stage.proxy()?;
    let before = proxy.accepted();
    let longer = if trial.pooler.is_some() { EXCHANGES } else { 1 };
    proxy.set_slow_connect(CONNECT * longer);
    proxy.set(Fate::Cut { reset: false });

    let end = Instant::now() + Duration::from_secs(trial.pick(4, 30));
    let (answered, calls) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let refused: Arc<Mutex<Option<String>>> = Arc::default();
    let mut set = JoinSet::new();
    for task in 0..TASKS / u64::from(longer) {
        let (stage, answered, calls) =
            (Arc::clone(&stage), Arc::clone(&answered), Arc::clone(&calls));
        let refused = Arc::clone(&refused);
        set.spawn(async move {
            while Instant::now() < end {
                calls.fetch_add(1, Ordering::Relaxed);
                let items = stage.streams.get_stream_items(stage.place.user_id(task.cast_signed()));
                match timeout(PATIENCE * longer, items.count()).await {
                    Ok(Ok(_)) => _ = answered.fetch_add(1, Ordering::Relaxed),
                    Ok(Err(error)) if error.to_string().contains("too many") => {
                        *lock(&refused) = Some(error.to_string());
                    }
                    Ok(Err(_)) | Err(_) => stage.gave_up(),
                }
                sleep(Duration::from_millis(40)).await;
            }
        });
    }
    while let Some(done) = set.join_next().await {
        done?;
    }

    // The patient one.
    stage.expect_success();
    let began = Instant::now();
    _ = stage.count(1).await;
    let took = began.elapsed();
    if took > AFTERWARDS {
        stage.problem(format!("a patient call took {} ms after the storm", took.as_millis()));
    }
    if let Some(error) = lock(&refused).take() {
        stage.problem(format!("the server refused: {error}"));
    }
    let (answered, calls) = (answered.load(Ordering::Relaxed), calls.load(Ordering::Relaxed));
    if answered < calls / 10 {
        stage.problem(format!("{answered} of {calls} calls were answered in the storm"));
    }
    let opened = stage.proxy()?.accepted() - before;
    if opened > u64::from(limits.connections) + SPARE {
        stage.problem(format!("{opened} sessions were opened in the storm"));
    }
    let tally = stage.finish().await?;
    watching.await?;
    Ok(tally)
}
