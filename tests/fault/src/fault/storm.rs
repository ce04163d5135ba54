//! Connecting is slow, and callers give up before it is done.

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
    fixture::{Fixture, Options},
    outcome::{Outcome, TOLERANCE},
    proxy::Mode,
    store::Limits,
    sync::lock,
    trial::Trial,
};

const TASKS: u64 = 64;
const CALLER_TIMEOUT: Duration = Duration::from_millis(20);
const CONNECT_DELAY: Duration = Duration::from_millis(50);
/// Behind PgBouncer a call takes four round trips: the same connections answer fewer calls, later.
const ROUND_TRIPS: u32 = 4;
/// How long a call after the storm may take.
const RECOVERED_CALL: Duration = Duration::from_millis(200);
/// How many sessions may be opened to replace connections of the pool.
const REPLACEMENTS: u64 = 12;

pub(super) const FAULT: Fault = Fault {
    name: "storm",
    about: "connecting takes 50 ms, with TLS or without, and each of 64 tasks gives up after 20 \
        ms",
    runs_on: is_sql_server,
    short: 2,
    long: 2,
    // Its connections leave none for other trials.
    exclusive: true,
    weight: 8,
    run: |trial| Box::pin(run(trial)),
};

async fn run(trial: Trial) -> Result<Outcome> {
    let limits = Limits { connections: 4, ..Limits::default() };
    let fixture =
        Fixture::open(&trial, Options { limits, tls: trial.variant(2) == 1, ..Options::default() })
            .await?;
    fixture.watch_sessions();
    let proxy = fixture.proxy()?;
    let before = proxy.accepted();
    let longer = if trial.pooler.is_some() { ROUND_TRIPS } else { 1 };
    proxy.set_connect_delay(CONNECT_DELAY * longer);
    proxy.set(Mode::Close { reset: false });

    let end = Instant::now() + Duration::from_secs(trial.pick(4, 30));
    let (answered, calls) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let refused: Arc<Mutex<Option<String>>> = Arc::default();
    let mut set = JoinSet::new();
    for task in 0..TASKS / u64::from(longer) {
        let (fixture, answered, calls) =
            (Arc::clone(&fixture), Arc::clone(&answered), Arc::clone(&calls));
        let refused = Arc::clone(&refused);
        set.spawn(async move {
            while Instant::now() < end {
                calls.fetch_add(1, Ordering::Relaxed);
                let items =
                    fixture.streams.get_stream_items(fixture.store.user_id(task.cast_signed()));
                match timeout(CALLER_TIMEOUT * longer, items.count()).await {
                    Ok(Ok(_)) => _ = answered.fetch_add(1, Ordering::Relaxed),
                    Ok(Err(error)) if error.to_string().contains("too many") => {
                        *lock(&refused) = Some(error.to_string());
                    }
                    Ok(Err(_)) | Err(_) => fixture.abandoned_call(),
                }
                sleep(Duration::from_millis(40)).await;
            }
        });
    }
    while let Some(done) = set.join_next().await {
        done?;
    }

    // A call without a timeout of the caller.
    fixture.expect_success();
    let began = Instant::now();
    _ = fixture.count(1).await;
    let took = began.elapsed();
    // The short form also runs on machines that are busy with other trials.
    if took > RECOVERED_CALL + trial.pick(TOLERANCE, Duration::ZERO) {
        fixture.problem(format!("a call after the storm took {} ms", took.as_millis()));
    }
    if let Some(error) = lock(&refused).take() {
        fixture.problem(format!("the server refused a connection: {error}"));
    }
    let (answered, calls) = (answered.load(Ordering::Relaxed), calls.load(Ordering::Relaxed));
    // How many are answered within 20 ms depends on the machine; that some are, again and again,
    // does not.
    if answered < TASKS {
        fixture.problem(format!("only {answered} of {calls} calls were answered during the storm"));
    }
    let opened = fixture.proxy()?.accepted() - before;
    if opened > u64::from(limits.connections) + REPLACEMENTS {
        fixture.problem(format!("{opened} sessions were opened during the storm"));
    }
    fixture.finish().await
}
