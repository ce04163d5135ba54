//! The process of a cell, which waits at each stage until it has been measured.

use std::{
    io::{self, Write},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result};
use fastrand::Rng;
use sea_orm::{ConnectionTrait, DatabaseConnection};
use tokio::{
    task::{JoinSet, spawn_blocking},
    time::{sleep, timeout},
};
use user_streams_core::{Streams, backend::Capability};

use super::{
    model::SETTLING,
    task::{Loaded, Tally, Task},
    visits,
    worker::{Shared, USERS, Worker, people},
};
use crate::{
    store::{Limits, Store},
    sync::lock,
};

/// How long the tasks may take to stop.
const STOPPING: Duration = Duration::from_secs(40);
/// How many tasks add and read.
const WORKERS: i64 = 4;

/// Runs the task in this file.
pub(crate) async fn run(file: &Path) -> Result<()> {
    let task: Task = serde_json::from_slice(&std::fs::read(file)?)?;
    stage("started").await?;
    let streams = visits::connect(task.store.as_ref()).await?;
    let application = match &task.store {
        Some(store) if store.engine.is_sql() => {
            streams.migrate().await?;
            let (streams, pool) = store.connect_application_pool().await?;
            create_people(store, &pool).await?;
            Some((streams, pool))
        }
        _ => None,
    };
    stage("connected").await?;
    let loaded = load(&task, &streams, application.as_ref()).await?;
    stage(&serde_json::to_string(&loaded)?).await?;
    streams.close().await?;
    drop(streams);
    if let Some((streams, pool)) = application {
        streams.close().await?;
        pool.close().await?;
    }
    stage("closed").await
}

/// Says that a stage has been reached, and waits for a line.
async fn stage(name: &str) -> Result<()> {
    println!("{name}");
    io::stdout().flush()?;
    let read = spawn_blocking(|| io::stdin().read_line(&mut String::new())).await??;
    (read > 0).then_some(()).context("the soak has ended")
}

/// The application's table of users, for queries.
async fn create_people(store: &Store, pool: &DatabaseConnection) -> Result<()> {
    let table = people(store);
    pool.execute_unprepared(&format!("CREATE TABLE {table} (id BIGINT PRIMARY KEY)")).await?;
    for worker in 0..WORKERS {
        let first = first_user(worker);
        let rows: Vec<_> = (first..first + USERS).map(|user| format!("({user})")).collect();
        let insert = format!("INSERT INTO {table} VALUES {}", rows.join(", "));
        pool.execute_unprepared(&insert).await?;
    }
    Ok(())
}

fn first_user(worker: i64) -> i64 {
    1 + worker * 1_000
}

async fn load(
    task: &Task,
    streams: &Streams,
    application: Option<&(Streams, DatabaseConnection)>,
) -> Result<Loaded> {
    let mut rng = Rng::with_seed(task.seed);
    let stop = Arc::new(AtomicBool::new(false));
    let limits = task.store.as_ref().map_or_else(Limits::default, |store| store.limits);
    let tally = Arc::new(Mutex::new(Tally::default()));
    let shared = Shared { store: task.store.clone(), limits, tally: Arc::clone(&tally) };
    let mut workers = JoinSet::new();
    for number in 0..WORKERS {
        let of_application = application.filter(|_| number == 0).map(|(streams, _)| streams);
        let streams = of_application.unwrap_or(streams).clone();
        let mut worker = Worker::new(&shared, streams, first_user(number), rng.fork());
        if let Some((_, pool)) = application {
            worker = worker.with_pool(pool.clone());
        }
        workers.spawn(worker.run(Arc::clone(&stop)));
    }
    let visits = tokio::spawn(visits::run(shared, streams.clone(), rng.fork(), Arc::clone(&stop)));
    sleep(task.load).await;
    stop.store(true, Ordering::Relaxed);
    let mut expected = Vec::new();
    let mut stopped = Vec::new();
    let tasks = async {
        while let Some(worker) = workers.join_next().await {
            match worker {
                Ok(worker) => stopped.push(worker),
                Err(error) => lock(&tally).problem(format!("a task failed: {error}")),
            }
        }
        if let Err(error) = visits.await {
            lock(&tally).problem(format!("the visits failed: {error}"));
        }
    };
    if timeout(STOPPING, tasks).await.is_err() {
        let mut tally = lock(&tally);
        let running = format!("{:?}", tally.running);
        tally.problem(format!("a task did not end within {STOPPING:?}: {running}"));
    }
    sleep(SETTLING).await;
    for worker in stopped {
        expected.extend(worker.finish().await);
    }
    if streams.capabilities().has(Capability::Purge) {
        streams.purge().await?;
    }
    let tally = lock(&tally).clone();
    Ok(Loaded { tally, expected })
}
