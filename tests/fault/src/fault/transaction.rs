//! Adds within an application's transactions, dropped or not; the transactions go on, and commit or
//! roll back.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result, ensure};
use fastrand::Rng;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, SqliteTransactionMode, Statement,
    TransactionOptions, TransactionTrait,
};
use tokio::task::JoinSet;
use user_streams_core::Recipients;

use super::{Fault, drop::part, is_sql};
use crate::{
    cell::Engine,
    load::Load,
    stage::{Options, Stage},
    tally::Tally,
    trial::Trial,
};

pub(super) const FAULT: Fault = Fault {
    name: "transaction",
    about: "adds within an application's transactions are dropped after some polls or some \
        microseconds, of new items and \
            of some that are there; the transaction goes on, asks something of its own, and \
            commits or rolls back",
    runs_on: is_sql,
    short: 2,
    long: 30,
    alone: false,
    weight: 4,
    run: |trial| Box::pin(run(trial)),
};

async fn run(trial: Trial) -> Result<Tally> {
    let mut rng = trial.rng();
    let variant = trial.variant(4);
    let over_a_pool = variant.is_multiple_of(2);
    let stage = Stage::open(&trial, Options { over_a_pool, ..Options::default() }).await?;
    let pool = match &stage.pool {
        Some(pool) => pool.clone(),
        None => stage.place.over_a_pool().await?.1,
    };
    stage.expect_success();
    // SQLite has one writer.
    let (tasks, loads) = if trial.cell.engine == Engine::Sqlite { (1, 0) } else { (5, 2) };
    let load = Load::start(&stage, &mut rng, if over_a_pool { 0 } else { loads });
    let mut set = JoinSet::new();
    for task in 0..tasks {
        let (stage, pool, mut rng) = (Arc::clone(&stage), pool.clone(), rng.fork());
        let each = trial.pick(40, 80);
        set.spawn(async move {
            for _ in 0..each {
                one(&stage, &pool, &mut rng, 3_000 + 100 * task, variant < 2).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(done) = set.join_next().await {
        if let Err(error) = done? {
            stage.problem(format!("a transaction of the application's failed: {error:#}"));
        }
    }
    load.stop().await;
    // An item that was dropped before its deliveries.
    let _ = stage.streams.purge().await;
    if stage.pool.is_none() {
        pool.close().await?;
    }
    stage.finish().await
}

/// One transaction.
async fn one(
    stage: &Stage,
    pool: &DatabaseConnection,
    rng: &mut Rng,
    first: i64,
    by_polls: bool,
) -> Result<()> {
    let options = TransactionOptions {
        sqlite_transaction_mode: (stage.place.engine == Engine::Sqlite)
            .then_some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    let item = stage.ledger.item(first..=first + rng.i64(0..60));
    let is_there = rng.u32(..4) == 0 && stage.add(&item).await;
    let txn = pool.begin_with_options(options).await?;
    ask(stage, &txn, rng).await?;
    stage.ledger.begin(item.number);
    let place = stage.place.clone();
    let users = Recipients::iter(item.users().map(move |user| place.user_id(user)));
    let streams = stage.streams.in_transaction(&txn)?;
    let add = streams.add_stream_item(users, item.new_item()).into_future();
    let done = part(add, by_polls, rng.u32(1..24), Duration::from_micros(rng.u64(..4_000))).await;
    for _ in 0..rng.u32(1..4) {
        ask(stage, &txn, rng).await?;
    }
    if rng.bool() {
        txn.rollback().await?;
        if !is_there {
            stage.ledger.undo(item.number);
        }
        return Ok(());
    }
    txn.commit().await?;
    match done {
        Some(Ok(delivery)) => stage.ledger.acknowledge(item.number, delivery.delivered),
        Some(Err(error)) => {
            stage.problem(format!("an add failed on a server that is well: {error}"))
        }
        None => {}
    }
    Ok(())
}

/// The application's own statement, of which some are prepared only now.
async fn ask(stage: &Stage, txn: &DatabaseTransaction, rng: &mut Rng) -> Result<()> {
    let (value, plus) = (rng.i64(0..1 << 40), rng.i64(0..20));
    let param = if stage.place.engine == Engine::Postgres { "$1" } else { "?" };
    let sql = format!("SELECT {param} + {plus}");
    let statement = Statement::from_sql_and_values(txn.get_database_backend(), sql, [value.into()]);
    let row = txn.query_one_raw(statement).await?.context("no row")?;
    ensure!(row.column_names().len() == 1, "a row of another statement");
    let answer: i64 = row.try_get_by_index(0)?;
    if answer != value + plus {
        stage.foreign(format!("the application asked for {} and was told {answer}", value + plus));
    }
    Ok(())
}
